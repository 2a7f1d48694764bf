"""`vaekit runs`, `vaekit remove`, `vaekit compare RUN RUN`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_a_line_for_each_run(terminal, vae_run: Path, ae_run: Path) -> None:
    outcome = terminal("runs", vae_run.parent)
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].split()[:4] == ["run", "method", "data", "figure"]
    assert len(lines) == 5 and lines[-1].startswith("2 runs, ")
    row = next(line for line in lines if "/vae " in line)
    value = json.loads((vae_run / "summary.json").read_text())["test"]["negative_elbo_nats"]
    assert f"{value:.2f}  −ELBO, nats per image" in row and " ended " in row
    told = json.loads(terminal("runs", vae_run.parent, "--json", "--methods", "vae").out)["runs"]
    assert [(run["path"], run["value"]) for run in told] == [(str(vae_run), value)]


def test_removing_asks_or_is_told(terminal, vae_run: Path, monkeypatch) -> None:
    refused = terminal("remove", vae_run)
    assert refused.status == 2 and "--yes removes without" in refused.err and vae_run.exists()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, gone in (("", False), ("n", False), ("y", True)):
        monkeypatch.setattr("builtins.input", lambda question, answer=answer: answer)
        outcome = terminal("remove", vae_run)
        assert (outcome.status, vae_run.exists()) == (int(not gone), not gone)
    assert terminal("remove", vae_run, "--yes").status == 2


def test_ended_runs_side_by_side(terminal, vae_run: Path, cvae_run: Path) -> None:
    outcome = terminal("compare", vae_run, cvae_run)
    assert outcome.status == 0, outcome.err
    rows = {line[:20].strip(): line for line in outcome.out.splitlines()}
    for key, label in (("negative_elbo_nats", "−ELBO"), ("kl_nats", "rate")):
        for run in (vae_run, cvae_run):
            assert f"{json.loads((run / 'summary.json').read_text())['test'][key]:.2f}" in rows[label]
    assert "−log p(x|y) here" in outcome.out
    told = json.loads(terminal("compare", vae_run, cvae_run, "--json").out)
    assert told["figures"]["kl_nats"]["standard_errors"] == [None, None]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c["data"].update(source="other", fingerprint="0" * 32), "measured on digits and other"),
        (lambda c: c["data"].update(fingerprint="0" * 32), "other images, labels or splits of digits"),
        (lambda c: c["data"].update(dynamic=True), "8-bit and 8-bit, binarised anew"),
    ],
)
def test_what_differs_is_refused(terminal, vae_run: Path, cvae_run: Path, change, says: str) -> None:
    content = json.loads((cvae_run / "config.json").read_text())
    change(content)
    (cvae_run / "config.json").write_text(json.dumps(content))
    outcome = terminal("compare", vae_run, cvae_run)
    assert outcome.status == 2 and says in outcome.err


def test_likelihoods_that_differ_are_refused(terminal, vae_run: Path, cvae_run: Path) -> None:
    content = json.loads((cvae_run / "summary.json").read_text())
    (cvae_run / "summary.json").write_text(json.dumps(content | {"likelihood": "bernoulli"}))
    assert "gaussian-optimal and bernoulli" in terminal("compare", vae_run, cvae_run).err
    (cvae_run / "summary.json").unlink()
    assert "has not ended; vaekit resume" in terminal("compare", vae_run, cvae_run).err
    assert "two run folders or more" in terminal("compare", vae_run).err
    assert "needs --data" in terminal("compare").err


def test_errors_are_json_too(terminal) -> None:
    outcome = terminal("sample", "nowhere", "--json")
    assert json.loads(outcome.out) == {
        "error": "nowhere: no such run folder.",
        "status": outcome.status == 2 and 2,
    }
    assert outcome.errors == ["vaekit: error: nowhere: no such run folder."]


def test_one_figure_goes_into_a_file(terminal, vae_run: Path) -> None:
    assert terminal("figures", vae_run, "--only", "training", "--out", "here.png").out.split() == ["here.png"]
    assert Path("here.png").read_bytes()[:4] == b"\x89PNG"
    for words in (["--out", "all.png"], ["--out", "a.pdf", "--only", "training"]):
        assert terminal("figures", vae_run, *words).status == 2
    assert not Path("all.png").exists() and not Path("a.pdf").exists()


@pytest.mark.parametrize(
    "method", ["ae", "vae", "beta-tcvae", "factor-vae", "dip-vae", "capacity-vae", "iwae", "vqvae", "cgan"]
)
def test_a_long_help_begins_with_one_screen(terminal, method: str, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    first = terminal("train", method, "--help").out.splitlines()
    assert len(first) <= 30 and f"vaekit train {method} --help all" in first[-1]
    whole = terminal("train", method, "--help", "all").out
    shown = {line.split()[0] for line in first if line.startswith("  --")}
    assert shown < {line.split()[0].rstrip(",") for line in whole.splitlines() if line.startswith("  --")}
    assert terminal("help", "train", method).out.splitlines() == first
    assert "--from" in shown or method == "none"
