"""What a command makes of a run replaces nothing that another request made, and no file that it was not asked to."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from vaekit.cli import command_options, places
from vaekit.cli.command_table import COMMANDS
from vaekit.cli.places import PLACES, asked, contents, place_of, replaced
from vaekit.plots.figures import FIGURES

FAST = ["--split", "validation", "--scores", "reconstruction_error", "--device", "cpu"]
FEW = ["--only", "reconstructions", "--device", "cpu"]
# Command -> requests one after another, each of other data or settings than those before.
REQUESTS: dict[str, list[list[str]]] = {
    "encode": [[], ["--split", "test"], ["--data", "a/one.png"], ["--data", "b/one.png"]],
    "score": [FAST, [*FAST, "--quantile", "0.9"], [*FAST[2:], "--data", "a/one.png"], [*FAST, "--odd", "3,4"]],
    "search": [["a/one.png"], ["b/one.png"], ["a/one.png", "--count", "3"], ["a/one.png", "--data", "b"]],
    "duplicates": [["--split", "test"], ["--split", "test", "--share", "0"], ["--data", "b"]],
    "interpolate": [["a/one.png", "b/one.png"], ["b/one.png", "a/one.png"], ["a/one.png", "b/one.png", "--way", "linear"]],
    "sample": [[], ["--seed", "1"], ["--temperature", "0.5"], ["--count", "3"]],
    "reconstruct": [[], ["--count", "3"], ["a/one.png"], ["a/one.png", "b/one.png"], ["b"]],
    "figures": [FEW, [*FEW, "--data", "b"], [*FEW, "--linear"], [*FEW, "--ellipses", "9"]],
    "export": [["--format", "web"]],
    "compress": [["--split", "test", "--beside", "0"], ["--data", "a/one.png", "--beside", "0"]],
}  # fmt: skip


@pytest.fixture
def pictures(tmp_path: Path) -> None:
    """Two pictures of one name in two folders, one of which has more."""
    for folder, shift in (("a", 0), ("b", 100)):
        (tmp_path / folder).mkdir()
        pixels = ((np.arange(64).reshape(8, 8) * 3 + shift) % 256).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / folder / "one.png")
        for number in range(12 * (folder == "b")):
            Image.fromarray(np.roll(pixels, number)).save(tmp_path / folder / f"more{number}.png")


@pytest.fixture(scope="session")
def coder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that gives masses on 8-bit pixels."""
    folder = tmp_path_factory.mktemp("coder") / "run"
    small = {"latent_dim": 2, "width": 16, "depth": 1, "likelihood": "logistic-mixture"}
    vaekit.train("vae", "digits", steps=3, out=folder, progress=False, device="cpu", **small)
    return folder


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_command_that_makes_something_of_a_run_is_in_the_table() -> None:
    having = {
        name
        for name, command in COMMANDS.items()
        if {"run", "out"} <= {flag.name for flag in getattr(command_options, command.options).flags()}
    }
    assert having == set(PLACES) == set(REQUESTS)


@pytest.mark.parametrize("command", REQUESTS)
def test_no_request_replaces_what_another_made(
    terminal, vae_run: Path, coder: Path, pictures: None, command: str
) -> None:
    run = coder if command == "compress" else vae_run
    places = []
    for words in REQUESTS[command]:
        before = files(run)
        outcome = terminal(command, run, *words, "--json")
        assert outcome.status == 0, outcome.err
        now = files(run)
        noted = ("summary.json", "report.html") if command == "compress" else ()  # what a file costs
        assert {p: now.get(p) for p in before if p.name not in noted} == {
            p: c for p, c in before.items() if p.name not in noted
        }
        made = set(now) - set(before)
        assert made and "replaced" not in outcome.err
        told = json.loads(outcome.out)
        places.append(told.get("out") or next(iter(told["figures"].values())))
        assert any(str(path).startswith(places[-1]) for path in made)
    assert len(set(places)) == len(places)
    if command in ("encode", "sample", "reconstruct"):
        assert "-" not in Path(places[0]).name  # the plain name is that of the plain request
    if command != "export":  # a folder that is there is refused
        words = REQUESTS[command][-1]
        assert terminal(command, run, *words, "--json").status == 0
        assert set(files(run)) == set(now)  # the same request has the same place


def test_a_named_file_is_replaced_with_a_word(terminal, vae_run: Path) -> None:
    said = [terminal("sample", vae_run, "--seed", seed, "--out", "s.png").err for seed in (0, 0, 1)]
    assert said == ["", "", "vaekit: replaced: s.png, which held something else\n"]
    for only, word in (("training", ""), ("reconstructions", ""), ("training", "")):
        outcome = terminal("figures", vae_run, "--only", only, "--out", "drawn")
        assert outcome.status == 0 and ("replaced" in outcome.err) == bool(word), outcome.err


def test_a_file_that_is_written_again_with_the_same_bytes_was_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "x.png"
    options = command_options.SampleOptions(run="r", out=str(out))
    out.write_bytes(b"one")
    before = contents("sample", options)
    os.utime(out, ns=(1, 1))
    assert replaced(before) == ""
    out.write_bytes(b"two")
    assert "x.png, which held something else" in replaced(before)
    monkeypatch.setattr(places, "MOST_READ", 2)
    monkeypatch.setattr(places, "_digest", None)  # of a large file nothing is read
    before = contents("sample", options)
    assert replaced(before) == ""
    os.utime(out, ns=(2, 2))
    assert replaced(before)


def test_only_the_process_that_speaks_looks_at_files(
    terminal, vae_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_digest", None)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    Path("s.png").write_bytes(b"one")
    assert terminal("sample", vae_run, "--out", "s.png").err == ""


def test_rows_have_no_sheet_that_would_go_over_a_picture(terminal, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))
    options = {"steps": 2, "pixels": "real", "progress": False, "device": "cpu"}
    vaekit.train("vae", tmp_path / "rows.npy", out=tmp_path / "rows", **options)
    (tmp_path / "s.png").write_bytes(b"mine")
    outcome = terminal("score", tmp_path / "rows", *FAST[2:], "--out", tmp_path / "s.csv")
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "s.png").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["score", "RUN", "--data", "a/one.png", "--out", "a/one.csv"], "its sheet would go over a/one.png"),
        (["score", "RUN", "--split", "test", "--out", "a/one.csv"], "its sheet would go over a/one.png"),
        (["reconstruct", "RUN", "a/one.png", "--out", "a/one.png"], "these are the examples that are asked about"),
        (["interpolate", "RUN", "a/one.png", "b/one.png", "--out", "b/one.png"], "examples that are asked about"),
        (["search", "RUN", "a/one.png", "--out", "a/one.png"], "examples that are asked about"),
        (["encode", "RUN", "--data", "a.npz", "--out", "a.npz"], "examples that are asked about"),
        (["encode", "RUN", "--data", "a.npz", "--out", "./b/../a.npz"], "examples that are asked about"),
        (["encode", "RUN", "--out", "RUN/previews.npz"], "a file that a run is kept in"),
        (["evaluate", "RUN", "--card", "RUN/summary.json"], "a file that a run is kept in"),
        (["features", "--data", "digits", "--kind", "pca", "--out", "RUN/model.safetensors"], "a file that a run is kept in"),
        (["decompress", "a.npz.vk"], "a.npz is there, where the restored ones would go; name another place with --out"),
    ],
)  # fmt: skip
def test_what_was_not_meant_to_be_replaced_stays(
    terminal, vae_run: Path, pictures: None, words: list[str], line: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 8, 8), np.uint8))
    (tmp_path / "a.npz.vk").write_bytes(b"vk")
    before = files(tmp_path)
    outcome = terminal(*(word.replace("RUN", str(vae_run)) for word in words))
    assert outcome.status == 2 and len(outcome.errors) == 1
    assert line in outcome.err
    assert files(tmp_path) == before


def test_the_page_is_of_the_plain_request(
    terminal, vae_run: Path, pictures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("reconstructions", "latent_pca", "latent_tsne")
    monkeypatch.setattr("vaekit.plots.draw.FIGURES", {name: FIGURES[name] for name in few})
    assert "report" in json.loads(terminal("figures", vae_run, "--json", "--device", "cpu").out)
    page = (vae_run / "report.html").read_bytes()
    for words in (["--data", "a/one.png", "--tsne"], ["--linear"]):
        outcome = terminal("figures", vae_run, *words, "--json", "--device", "cpu")
        assert outcome.status == 0, outcome.err  # one example has fewer figures, and each a reason
        assert "report" not in json.loads(outcome.out)
    assert (vae_run / "report.html").read_bytes() == page
    assert vaekit.remove(vae_run).left == ()


def test_the_page_of_other_images_has_a_folder_of_its_own() -> None:
    options = command_options.ExportOptions(run="r", format="web", data="digits")
    assert place_of("export", options) == Path("r", "web-digits")


def test_options_that_only_say_where_and_how_are_no_other_request() -> None:
    options = command_options.SampleOptions(run="r", out="x.png", json=True, device="cpu", seed=4)
    assert asked(options) == {"seed": 4}
    assert {field.name for field in dataclasses.fields(options)} >= {"run", "out", "json", "device", "seed"}


def test_an_evaluation_under_other_conditions_is_set_aside(terminal, vae_run: Path) -> None:
    torch.manual_seed(0)
    quick = ["evaluate", vae_run, "--skip-quality", "--device", "cpu", "--json"]
    first = json.loads(terminal(*quick, "--samples", 4, "--images", 20).out)
    again = terminal(*quick, "--samples", 4, "--images", 20)
    assert again.err == "" and not (vae_run / "evaluation-1.json").exists()
    other = terminal(*quick, "--samples", 2, "--images", 20)
    assert (
        other.err
        == f"vaekit: note: the evaluation before, measured otherwise, is in {vae_run}/evaluation-1.json now\n"
    )
    kept = json.loads((vae_run / "evaluation-1.json").read_text())
    assert kept["evaluation"]["nll_nats"] == first["nll_nats"] and kept["weights"]["which"]
    more = terminal(*quick, "--samples", 2, "--images", 20, "--jackknife")  # has all of before
    assert more.err == "" and not (vae_run / "evaluation-2.json").exists()
    longer = terminal("resume", vae_run, "--epochs", 3)
    assert longer.status == 0
    assert f"steps is in {vae_run}/evaluation-2.json now" in longer.err
    kept = json.loads((vae_run / "evaluation-2.json").read_text())
    assert kept["evaluation"]["nll_jackknife_nats"] == json.loads(more.out)["nll_jackknife_nats"]
    assert vaekit.remove(vae_run).left == ()


def test_nothing_that_a_run_was_trained_on_is_written_over(terminal, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    np.savetxt("t.csv", rows, delimiter=",", header="a,b,c", comments="")
    assert terminal("train", "vae", "--data", "t.csv", "--steps", 2, "--out", "run").status == 0
    before = Path("t.csv").read_bytes()
    for words in (["sample"], ["encode", "--split", "test"], ["reconstruct"], ["score"]):
        outcome = terminal(words[0], "run", *words[1:], "--out", "t.csv")
        assert outcome.status == 2 and "the run was trained on it" in outcome.err, outcome.err
    assert Path("t.csv").read_bytes() == before
