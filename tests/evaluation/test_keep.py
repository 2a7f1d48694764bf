"""`evaluate(keep=True)`: the result in the run's own files, or a line why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vaekit
from vaekit import SettingError, VaekitWarning
from vaekit.evaluation.table import reassurance
from vaekit.runs.load import load_run

FAST = {"samples": 5, "images": 20, "device": "cpu"}


def test_the_summary_and_the_page_have_the_result(vae_run: Path) -> None:
    result = vaekit.evaluate(vae_run, keep=True, **FAST)
    run = load_run(vae_run)
    assert run.summary is not None and run.summary.evaluation is not None
    kept = run.summary.evaluation["nll_nats"]
    assert kept["value"] == result.likelihood["nll_nats"].value
    shown = f"{result.likelihood['nll_nats'].value:.2f}"
    assert shown.replace("-", "−") in (vae_run / "report.html").read_text(encoding="utf-8")


def test_nothing_is_kept_unless_asked(vae_run: Path) -> None:
    before = {path: path.read_bytes() for path in vae_run.rglob("*") if path.is_file()}
    vaekit.evaluate(vae_run, **FAST)
    vaekit.evaluate(vae_run, "digits", **FAST)
    assert {path: path.read_bytes() for path in vae_run.rglob("*") if path.is_file()} == before


def test_a_run_that_has_not_ended_has_no_summary_to_keep_it_in(vae_run: Path) -> None:
    (vae_run / "summary.json").unlink()
    with pytest.warns(VaekitWarning, match=f"has not ended, so this is not kept.*vaekit resume {vae_run}"):
        vaekit.evaluate(vae_run, keep=True, **FAST)
    assert not (vae_run / "summary.json").exists()


def test_only_a_run_on_its_own_data_keeps_it(vae_run: Path) -> None:
    run = load_run(vae_run)
    for model, data in ((run, "digits"), (run.model, run.load_data())):
        with pytest.raises(SettingError, match="keep=True keeps what is measured of a run on its own data"):
            vaekit.evaluate(model, data, keep=True, **FAST)


def test_a_source_and_named_features_are_those_loaded_by_hand(vae_run: Path) -> None:
    from vaekit.evaluation.samples.features.store import features_for

    data = vaekit.load_data("digits")
    run = load_run(vae_run)
    by_name = vaekit.evaluate(run, "digits", features="auto", **FAST)
    by_hand = vaekit.evaluate(run, data, features=features_for(data), **FAST)
    assert by_name.quality is not None and by_hand.quality is not None
    assert by_name.quality.flat() == by_hand.quality.flat()
    assert {k: v.value for k, v in by_name.likelihood.items()} == {
        k: v.value for k, v in by_hand.likelihood.items()
    }


def test_a_run_of_before_there_were_notes_gets_them_when_it_is_evaluated(vae_run: Path) -> None:
    """Two epochs of digits: whatever the latent space looks like, it is not called sound."""
    path = vae_run / "summary.json"
    now = json.loads(path.read_text(encoding="utf-8"))
    kept = [note["text"] for note in now.pop("notes")]
    now["test"].pop("explained_variance")
    now["test"].pop("sample_variance")
    path.write_text(json.dumps(now), encoding="utf-8")
    assert load_run(vae_run).summary.notes is None  # type: ignore[union-attr]
    found = [finding.text for finding in vaekit.evaluate(vae_run, **FAST).findings]
    assert kept and found[: len(kept)] == kept


def test_a_run_that_has_not_ended_is_said_to_be_one(vae_run: Path) -> None:
    (vae_run / "summary.json").unlink()
    first = vaekit.evaluate(vae_run, **FAST).findings[0]
    assert "has not ended: what is measured here is of about 86 steps" in first.text
    assert first.remedy == f"resume it: vaekit resume {vae_run}"


@pytest.mark.parametrize(
    ("explained", "findings", "said"),
    [(0.86, [], "nothing wrong found"), (0.23, [], "no more than 23%"), (0.86, [{"text": "x"}], "")],
)
def test_only_what_was_learned_is_reassuring(explained: float, findings: list, said: str) -> None:
    line = reassurance({"health": {"explained_variance": explained}, "findings": findings})
    assert said in line and bool(line) == bool(said)
    assert reassurance({"findings": []}) == ""
