"""`vaekit reproduce` from end to end: a true result holds, a false one is shown and ends with 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vaekit
from vaekit import load_run
from vaekit.config.recipe_names import shipped
from vaekit.evaluation.table import rows
from vaekit.reproduction import reproduce as module
from vaekit.reproduction.judging import Found
from vaekit.reproduction.recipe_files import find_recipe
from vaekit.reproduction.rerun import figures_of
from vaekit.runs.records import SplitSummary, Summary, WeightsRecord

ROW = "−ELBO"


def change(path: Path, key: str, **values: float) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    content["result"]["figures"][key] |= values
    path.write_text(json.dumps(content), encoding="utf-8")


def rows_of(out: str, figure: str) -> list[str]:
    return [line for line in out.splitlines() if f" {figure} " in line]


def files(folder: Path) -> dict[str, int]:
    kept = (folder / "tiny").rglob("*")
    return {str(path): path.stat().st_mtime_ns for path in kept if path.is_file()}


def test_a_true_result_holds_and_a_false_one_ends_with_one(terminal, tiny: Path) -> None:
    """And what is done in the folder is not run again."""
    outcome = terminal("reproduce", tiny, tiny.name, "--out", "again")
    assert outcome.status == 0, outcome.out + outcome.err
    (row,) = rows_of(outcome.out, ROW)
    assert "holds" in row and "tiny" in row
    assert "the one before, 1 core" in outcome.out and "of 1 recipe: 1 holds" in outcome.out
    assert "they took 2 s where they were measured" in outcome.err
    before = files(Path("again"))
    stored = json.loads(tiny.read_text(encoding="utf-8"))["result"]["figures"]["rate_nats"]["value"]
    change(tiny, "rate_nats", value=stored + 3)
    outcome = terminal("reproduce", tiny, "--out", "again")
    assert outcome.status == 1
    assert "falls out" in rows_of(outcome.out, "rate")[0] and "holds" in rows_of(outcome.out, ROW)[0]
    assert "of 1 recipe: 1 falls out" in outcome.out
    assert files(Path("again")) == before


def test_what_is_judged_is_the_record_of_the_run(terminal, tiny: Path) -> None:
    outcome = terminal("reproduce", tiny, "--out", "again", "--json")
    said = json.loads(outcome.out)
    run = load_run("again/tiny")
    assert run.summary is not None and run.summary.evaluation is not None
    kept = {row.key: row for row in rows(run.summary.evaluation)}
    figures = said["recipes"]["tiny"]["figures"]
    for key in ("negative_elbo_nats", "rate_nats"):
        assert figures[key]["found"] == kept[key].value
        assert figures[key]["found_standard_error"] == kept[key].error
        assert figures[key]["verdict"] == "holds"
    assert figures["parameters"]["found"] == run.summary.parameters
    assert run.summary.evaluation["nll_nats" if "nll_nats" in kept else "bce_bound_nats"]["samples"] == 2
    written = json.loads(Path("again/reproduction.json").read_text(encoding="utf-8"))
    assert {key: written[key] for key in said} == said
    assert said["holds"] is True and said["recipes"]["tiny"]["stored"]["hardware"]["cores"] == 1
    assert said["recipes"]["tiny"]["found"]["versions"]["vaekit"] == vaekit.__version__


def test_figures_of_the_training_have_the_error_of_the_same_quantity() -> None:
    """Under what is no likelihood too, where an evaluation calls it otherwise."""
    one = {"value": 90.0, "standard_error": 0.5}
    evaluation = {
        "likelihood": "bce", "likelihood_kind": "pseudo", "bce_negative_elbo_nats": one,
        "health": {"distortion_nats": {"value": 80.0, "standard_error": 0.4}},
    }  # fmt: skip
    test = SplitSummary(
        10, {"negative_elbo_nats": 90.1, "reconstruction_nats": 80.1, "explained_variance": 0.5}
    )
    weights = WeightsRecord("last", 1, False)
    done = Summary(
        data="digits", parameters=7, epochs=1, steps=2, stopped_early=False, train_seconds=1.0, device="cpu",
        precision="fp32", weights=weights, test=test, evaluation=evaluation,
    )  # fmt: skip
    found = figures_of(done)
    assert found["negative_elbo_nats"] == Found(90.1, 0.5) and found["bce_negative_elbo_nats"] == Found(
        90.0, 0.5
    )
    assert found["reconstruction_nats"] == Found(80.1, 0.4) and found["distortion_nats"] == Found(80.0, 0.4)
    assert found["explained_variance"] == Found(0.5) and found["parameters"] == Found(7)


def test_parameters_must_be_equal(terminal, tiny: Path) -> None:
    content = json.loads(tiny.read_text(encoding="utf-8"))
    change(tiny, "parameters", value=content["result"]["figures"]["parameters"]["value"] + 1)
    outcome = terminal("reproduce", tiny)
    assert outcome.status == 1 and "must be equal" in rows_of(outcome.out, "parameters")[0]
    assert Path("runs/reproduce-1/tiny/summary.json").exists()


def test_an_interrupted_one_is_resumed_to_the_same_figures(tiny: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    asked = iter(range(10_000))
    found = vaekit.reproduce([str(tiny)], should_stop=lambda: "SIGINT" if next(asked) >= 5 else None)
    assert found.interrupted == "SIGINT" and not found.holds and not found.reproduced
    again = vaekit.reproduce([str(tiny)])
    assert again.out == found.out and again.holds
    whole = vaekit.reproduce([str(tiny)], out="whole")
    values = [[figure.found for figure in each.reproduced[0].figures] for each in (again, whole)]
    assert values[0] == values[1]
    assert vaekit.reproduce([str(tiny)]).out == Path("runs/reproduce-2"), "the first has ended"


def test_the_command_ends_as_others_after_an_interrupt(terminal, tiny: Path, monkeypatch) -> None:
    real = module.rerun
    monkeypatch.setattr(module, "rerun", lambda *given: "SIGTERM")
    outcome = terminal("reproduce", tiny, "--out", "again")
    assert outcome.status == 143 and "the same command resumes it; --out again" in outcome.err
    assert "1 left" in outcome.out
    monkeypatch.setattr(module, "rerun", real)
    assert terminal("reproduce", tiny, "--out", "again").status == 0


def test_a_recipe_of_other_settings_needs_another_folder(terminal, tiny: Path) -> None:
    assert terminal("reproduce", tiny, "--out", "again").status == 0
    content = json.loads(tiny.read_text(encoding="utf-8"))
    for part, name, value in (("settings", "width", 9), ("evaluation", "samples", 3)):
        other = json.loads(json.dumps(content))
        other[part][name] = value
        tiny.write_text(json.dumps(other), encoding="utf-8")
        outcome = terminal("reproduce", tiny, "--out", "again")
        assert outcome.status == 2 and "name a new folder" in outcome.err and len(outcome.errors) == 3
    Path("taken").mkdir()
    Path("taken/x").touch()
    outcome = terminal("reproduce", tiny, "--out", "taken")
    assert outcome.status == 2 and "something else is there" in outcome.err


def test_without_its_data_a_recipe_is_not_run_and_has_not_passed(terminal, tiny: Path) -> None:
    content = json.loads(tiny.read_text(encoding="utf-8"))
    content["settings"]["data"] = "not/here"
    absent = tiny.with_name("absent.json")
    absent.write_text(json.dumps(content), encoding="utf-8")
    outcome = terminal("reproduce", absent, tiny, "--out", "again")
    assert outcome.status == 1, "each was named"
    (line,) = [line for line in outcome.errors if "absent is not run" in line]
    assert "no such file or folder" in line
    (row,) = [line for line in outcome.out.splitlines() if line.startswith("absent")]
    assert "not run" in row and "--data not/here" in row
    assert "of 2 recipes: 1 holds, 1 not run" in outcome.out


def test_among_all_recipes_those_without_data_do_not_count(tiny: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    content = json.loads(tiny.read_text(encoding="utf-8"))
    content["settings"]["data"] = "not/here"
    absent = tiny.with_name("absent.json")
    absent.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(module, "shipped", lambda: {"absent": absent, "tiny": tiny})
    found = vaekit.reproduce()
    assert found.holds and [each.verdict for each in found.reproduced] == ["not run", "holds"]
    monkeypatch.setattr(module, "shipped", lambda: {"absent": absent})
    assert not vaekit.reproduce(out="none").holds, "nothing was run"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("digit_vae", "Did you mean digits_vae?"),
        ("recipes/digit_vae.json", "no such file. Did you mean digits_vae?"),
        ("lesson_map", "lesson_map stores no figures"),
    ],
)
def test_a_wrong_name_is_one_line(word: str, said: str, terminal) -> None:
    outcome = terminal("reproduce", word)
    assert outcome.status == 2 and len(outcome.errors) == 1 and said in outcome.err
    assert not Path("runs").exists()


def test_an_unreadable_file_is_one_line(terminal) -> None:
    Path("broken.json").write_text('{"format": 1, "settings": ', encoding="utf-8")
    outcome = terminal("reproduce", "broken.json")
    assert outcome.status == 2 and len(outcome.errors) == 1 and "broken.json" in outcome.err


def test_the_list_runs_nothing_and_has_every_recipe_with_a_result(terminal) -> None:
    outcome = terminal("reproduce", "--list")
    names = [
        line.split()[0] for line in outcome.out.splitlines()[1:] if line and not line.startswith("in all")
    ]
    assert {*names} == {name for name in shipped() if find_recipe(name).judged}
    assert outcome.status == 0 and not Path("runs").exists()
    seconds = [find_recipe(name).seconds for name in names]
    known = [each for each in seconds if each is not None]
    assert known == sorted(known) and seconds[len(known) :] == [None] * (len(seconds) - len(known))


def test_quick_ones_take_less_than_five_minutes_together(terminal) -> None:
    said = json.loads(terminal("reproduce", "--quick", "--list", "--json").out)
    assert {"digits_vae", "digits_vqvae", "strokes_vae"} <= said["recipes"].keys()
    assert said["forecast_seconds"] < 300
    assert sum(find_recipe(name).seconds or 0 for name in said["recipes"]) == said["forecast_seconds"]


def test_the_smallest_recipe_holds_here(terminal) -> None:
    outcome = terminal("reproduce", "digits_vae")
    assert outcome.status == 0, outcome.out


def test_a_prior_is_fitted_to_the_run_of_the_recipe_before_it(tmp_path: Path, monkeypatch) -> None:
    """Interrupted while the prior is trained, it is resumed there, and judged by the code length under it."""
    monkeypatch.chdir(tmp_path)
    small = {
        "data": "digits",
        "epochs": 1,
        "width": 8,
        "depth": 1,
        "downsample": 4,
        "codes": 8,
        "code_dim": 2,
        "device": "cpu",
    }
    codes = {"format": 1, "settings": {"method": "vqvae", **small}}
    own = {"method": "code-prior", "width": 8, "depth": 1, "heads": 1, "epochs": 1, "batch_size": 64}
    kept = {"seeds": [0], "hardware": {"processor": "one"}, "versions": {}}
    result = {"figures": {"code_bits": {"value": 10.0, "standard_error_over_images": 1.0}}, **kept}
    prior = {"format": 1, "settings": own, "after": "codes.json", "result": result}
    for name, content in (("codes", codes), ("prior", prior)):
        Path(f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    asked: list[int] = []

    def stop() -> str | None:
        asked.append(1)
        return "SIGINT" if Path("out/prior/prior/config.json").exists() and len(asked) > 5 else None

    assert vaekit.reproduce(["prior.json"], out="out", should_stop=stop).interrupted == "SIGINT"
    assert load_run("out/prior").summary is not None
    found = vaekit.reproduce(["prior.json"], out="out")
    assert found.recipes[0].seconds is None and not found.recipes[0].timed
    (figure,) = found.reproduced[0].figures
    record = load_run("out/prior").summary
    assert record is not None and record.evaluation is not None and figure.found is not None
    assert figure.found.value == record.evaluation["codes"]["code_bits"]["value"] > 0
    assert figure.found.error == record.evaluation["codes"]["code_bits"]["standard_error"]
