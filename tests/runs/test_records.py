"""The files of a run as records: the same bytes, damage said in one line, figures by name."""

from __future__ import annotations

import copy as copies
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaekit.core import RunError
from vaekit.runs.files import write_json
from vaekit.runs.json_records import as_json, sealed
from vaekit.runs.load import load_run
from vaekit.runs.records import (
    MetricLine,
    SplitSummary,
    has_ended,
    read_metrics,
    read_run_config,
    read_summary,
)
from vaekit.runs.write import keep_evaluation


def change(path: Path, action: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    action(content)
    path.write_text(json.dumps(sealed(content) if path.name == "config.json" else content), encoding="utf-8")


# The same bytes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["vae_run", "cvae_run", "ae_run"])
def test_what_is_read_is_written_byte_for_byte(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run: Path = request.getfixturevalue(kind)
    summary = read_summary(run)
    assert summary is not None
    for name, record in {"config.json": read_run_config(run), "summary.json": summary}.items():
        write_json(tmp_path / name, as_json(record))
        assert (tmp_path / name).read_bytes() == (run / name).read_bytes()
    lines = [json.dumps(as_json(line)) + "\n" for line in read_metrics(run)]
    assert "".join(lines).encode() == (run / "metrics.jsonl").read_bytes()


def test_an_evaluation_is_added_and_replaced_and_nothing_else_changes(vae_run: Path) -> None:
    path = vae_run / "summary.json"
    change(path, lambda summary: summary.update(of_tomorrow={"a": [1, None]}))
    before = json.loads(path.read_text(encoding="utf-8"))
    for values in ({"images": 5, "health": {"rate": [1.5, 0.25]}}, {"images": 6}):
        assert keep_evaluation(vae_run, values)
        after = json.loads(path.read_text(encoding="utf-8"))
        assert after == before | {"evaluation": values}
        assert list(after)[:10] == list(before)[:10]


def test_an_evaluation_does_not_make_a_run_end(vae_run: Path) -> None:
    (vae_run / "summary.json").unlink()
    assert not keep_evaluation(vae_run, {"images": 5})
    assert not has_ended(vae_run)
    assert load_run(vae_run).summary is None


# Figures by name ---------------------------------------------------------------------------------


def test_figures_are_attributes_and_iterate_as_name_and_value(vae_run: Path) -> None:
    summary = json.loads((vae_run / "summary.json").read_text(encoding="utf-8"))
    run = load_run(vae_run)
    assert run.summary is not None
    test = run.summary.test
    assert test is not None
    assert test.negative_elbo_nats == summary["test"]["negative_elbo_nats"]
    assert list(test) == list(summary["test"].items())
    assert dict(test) == summary["test"]
    assert test.images == summary["test"]["images"]
    assert "kl_nats" in dir(test)
    assert list(run.summary.splits) == ["validation", "test"]
    assert run.summary.weights.which == "best"
    assert run.config.data.shape == (1, 8, 8)
    assert run.config.data.images["test"] == test.images


def test_an_unknown_figure_says_the_near_miss_and_what_there_is() -> None:
    test = SplitSummary(10, {"negative_elbo_nats": 5.0, "kl_nats": 1.0})
    with pytest.raises(AttributeError) as caught:
        _ = test.negative_elbo
    assert str(caught.value) == (
        "no figure 'negative_elbo'. Did you mean negative_elbo_nats? There are: images, negative_elbo_nats, kl_nats."
    )
    assert not hasattr(test, "accuracy")


def test_a_split_can_be_copied_and_compared() -> None:
    test = SplitSummary(10, {"kl_nats": 1.0})
    assert copies.deepcopy(test) == pickle.loads(pickle.dumps(test)) == test
    assert test != SplitSummary(10, {"kl_nats": 1.5})


# Damage ------------------------------------------------------------------------------------------

CONFIG = [
    (lambda c: c.pop("settings"), "config.json: settings is missing."),
    (lambda c: c.update(settings=[]), "config.json: settings = [] must be an object."),
    (lambda c: c.pop("versions"), "config.json: versions is missing."),
    (lambda c: c.update(format="1"), "config.json: format '1' is newer than this vaekit reads (1); update vaekit."),
    (lambda c: c["data"].pop("fingerprint"), "config.json: data.fingerprint is missing."),
    (lambda c: c["data"].update(shape="8x8"), "config.json: data.shape = '8x8' must be a list."),
    (lambda c: c["data"].update(shape=[1, 8, 8.5]), "config.json: data.shape[2] = 8.5 must be a whole number."),
    (lambda c: c["data"].update(images={"train": None}), "config.json: data.images.train = None must be a whole number."),
    (lambda c: c["data"].update(dynamic="no"), "config.json: data.dynamic = 'no' must be true or false."),
    (lambda c: c["data"].update(class_names=[0, 1]), "config.json: data.class_names[0] = 0 must be text."),
]  # fmt: skip

SUMMARY = [
    (lambda s: s.pop("epochs"), "summary.json: epochs is missing."),
    (lambda s: s.update(steps="9"), "summary.json: steps = '9' must be a whole number."),
    (lambda s: s.update(weights="best"), "summary.json: weights = 'best' must be an object."),
    (lambda s: s["weights"].pop("averaged"), "summary.json: weights.averaged is missing."),
    (lambda s: s["test"].update(kl_nats="low"), "summary.json: test.kl_nats = 'low' must be a number."),
    (lambda s: s["test"].pop("images"), "summary.json: test.images is missing."),
    (lambda s: s.update(validation=[1]), "summary.json: validation = [1] must be an object or null."),
    (lambda s: s.update(evaluation=0.5), "summary.json: evaluation = 0.5 must be an object or null."),
]  # fmt: skip

METRICS = [
    (lambda line: line.pop("step"), "metrics.jsonl:1: step is missing."),
    (lambda line: line.update(split=3), "metrics.jsonl:1: split = 3 must be text."),
    (lambda line: line.update(kl_nats=None), "metrics.jsonl:1: kl_nats = None must be a number or a list."),
    (lambda line: line.update(kl_nats=["a"]), "metrics.jsonl:1: kl_nats[0] = 'a' must be a number."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("action", "message"), [*CONFIG, *SUMMARY, *METRICS], ids=[message for _, message in [*CONFIG, *SUMMARY, *METRICS]]
)  # fmt: skip
def test_damage_is_one_line_with_the_file_and_the_field(
    action: Callable[[Any], object], message: str, vae_run: Path
) -> None:
    path = vae_run / message.split(":")[0]
    if path.suffix == ".jsonl":
        first, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
        line = json.loads(first)
        action(line)
        path.write_text(json.dumps(line) + "\n" + "".join(others), encoding="utf-8")
    else:
        change(path, action)
    with pytest.raises(RunError) as caught:
        load_run(vae_run)
    assert str(caught.value) == f"{vae_run}/{message}".replace("/", str(Path("/"))[0])


@pytest.mark.parametrize("name", ["config.json", "summary.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
def test_a_file_that_holds_no_object(name: str, content: str, vae_run: Path) -> None:
    (vae_run / name).write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=rf"{name} (cannot be read as JSON|must hold a JSON object)") as caught:
        load_run(vae_run)
    assert "\n" not in str(caught.value)


def test_what_a_newer_version_adds_is_passed_over(vae_run: Path) -> None:
    change(vae_run / "summary.json", lambda s: s.update(energy={"joules": 5}))
    change(vae_run / "summary.json", lambda s: s["test"].update(mig=0.25))
    change(vae_run / "config.json", lambda c: c["data"].update(licence="CC0"))
    run = load_run(vae_run)
    assert run.summary is not None
    assert run.summary.test is not None
    assert run.summary.test.mig == 0.25
    assert run.summary.extra == {"energy": {"joules": 5}}


def test_metrics_lines_hold_steps_and_values(vae_run: Path) -> None:
    first, *_, last = read_metrics(vae_run)
    assert (first.epoch, first.split, last.split) == (0, "validation", "test")  # it began at components
    content = json.loads((vae_run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert MetricLine(content.pop("step"), content.pop("epoch"), content.pop("split"), content) == last
    (vae_run / "metrics.jsonl").unlink()
    assert read_metrics(vae_run) == []
