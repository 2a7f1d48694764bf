"""A run that is trained longer, whose data moved, or that began with the weights of another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from toy import SMALL, Scripted, Weights, toy_data
from vaekit import DataError, RunError, SettingError, encode, load_data, load_run
from vaekit.config.methods import resolve
from vaekit.config.optimizer_parts import SGD
from vaekit.data import Data
from vaekit.models.build import seeded_model
from vaekit.objectives.elbo import ELBO
from vaekit.runs.checkpoints import load_state
from vaekit.runs.files import read_tensors
from vaekit.runs.records import read_metrics, read_run_config, read_summary
from vaekit.training.fit import History, fit
from vaekit.training.resume import resume
from vaekit.training.train import train

SIZES = {"latent_dim": 3, "width": 8}
FIT = {"batch_size": 16, "checkpoint_seconds": 1e9, "learning_rate": 0.02, **SMALL}
EPOCH = 3  # steps of the toy data in batches of 16


def model() -> Any:
    settings = resolve("vae", {"data": "toy", **SIZES})
    return seeded_model(settings, {"shape": (1, 4, 4), "pixels": "8-bit"})


def toy_run(folder: Path, data: Data | None = None, **options: Any) -> History:
    return fit(model(), ELBO(), data or toy_data(), out=folder, **FIT | {"schedule": "constant"} | options)


def longer(folder: Path, **length: Any) -> History:
    return resume(folder, data=toy_data(), progress="none", **length)


def content(folder: Path) -> dict[str, Any]:
    """What must be equal."""
    tensors, about = read_tensors(folder / "model.safetensors")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return {
        "weights": {name: tensor.numpy().tobytes() for name, tensor in tensors.items()},
        "about": about,
        "metrics": (folder / "metrics.jsonl").read_bytes(),
        "summary": summary | dict.fromkeys(("train_seconds", "processor_seconds", "forecast_seconds"), 0),
    }


def files(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


# Longer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"average": 0.9, "patience": 30}, {"weights": "last"}])
@pytest.mark.parametrize(
    ("unit", "lengths"),
    [
        ("steps", [10, 20]),
        ("steps", [2, 3, 4]),
        ("steps", [55, 120]),  # validations after 51 and 102, lines of training after 50 and 100
        ("epochs", [2, 4]),
    ],
)
def test_trained_longer_it_is_the_run_that_was_that_long_at_first(
    unit: str, lengths: list[int], options: dict[str, Any], tmp_path: Path
) -> None:
    """Bit for bit; what was validated at the end of the shorter one leaves nothing behind."""
    toy_run(tmp_path / "alone", **options, **{unit: lengths[-1]})
    toy_run(tmp_path / "run", **options, **{unit: lengths[0]})
    for length in lengths[1:]:
        history = longer(tmp_path / "run", **{unit: length})
        assert history.metrics == read_metrics(tmp_path / "run")
    assert content(tmp_path / "run") == content(tmp_path / "alone")
    config = read_run_config(tmp_path / "run")
    assert config.settings == read_run_config(tmp_path / "alone").settings
    steps = [length * (EPOCH if unit == "epochs" else 1) for length in lengths]
    assert [record.done for record in config.lengths or ()] == steps[:-1]


def test_an_unfinished_run_gets_another_length(tmp_path: Path) -> None:
    toy_run(tmp_path / "alone", steps=20)
    asked = iter([None] * 6 + ["stop"])
    toy_run(tmp_path / "run", steps=10, should_stop=lambda: next(asked))
    longer(tmp_path / "run", steps=20)
    assert content(tmp_path / "run") == content(tmp_path / "alone")


def test_other_schedules_are_those_of_the_new_length_from_there(tmp_path: Path) -> None:
    toy_run(tmp_path / "run", steps=100, schedule="linear", warmup=0)
    history = longer(tmp_path / "run", steps=200)
    rates = [
        (m.step, m.values["learning_rate"])
        for m in history.metrics
        if m.split == "train" and m.step in (99, 150)
    ]
    assert rates == [(99, pytest.approx(0.02 * 0.02)), (150, pytest.approx(0.02 * (1 - 149 / 200)))]


def test_a_budget_is_for_more_steps(tmp_path: Path) -> None:
    toy_run(tmp_path / "run", steps=4)
    history = longer(tmp_path / "run", budget="0.5s")
    summary, config = history.summary, read_run_config(tmp_path / "run")
    assert summary is not None and summary.steps > 4
    assert (config.settings["steps"], config.settings["budget"]) == (summary.steps, None)
    toy_run(tmp_path / "alone", steps=summary.steps)
    assert content(tmp_path / "run") == content(tmp_path / "alone")


@pytest.mark.parametrize(
    ("length", "message"),
    [
        ({"steps": 5}, r"run has made 6 steps already, more than these 5; give a longer total length"),
        ({"epochs": 1}, r"run has made 6 steps already, more than these 3"),
        ({"steps": 9, "epochs": 9}, "epochs= and steps= exclude each other"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"budget": "soon"}, "is no training time"),
    ],
)
def test_lengths_that_cannot_be_leave_everything_as_it_is(
    length: dict[str, Any], message: str, tmp_path: Path
) -> None:
    toy_run(tmp_path / "run", epochs=2)
    before = files(tmp_path / "run")
    with pytest.raises(SettingError, match=message):
        longer(tmp_path / "run", **length)
    assert files(tmp_path / "run") == before
    assert longer(tmp_path / "run", steps=6).summary == read_summary(tmp_path / "run")  # as long as it is
    assert files(tmp_path / "run") == before


def test_a_run_that_stopped_early_goes_on_and_patience_counts_anew(tmp_path: Path) -> None:
    first = toy_run(tmp_path / "run", epochs=30, patience=1, learning_rate=0.3, average=0.0)
    assert first.summary is not None and first.summary.stopped_early
    done = first.summary.epochs
    second = longer(tmp_path / "run", epochs=30)
    assert second.summary is not None and second.summary.epochs > done
    before = [line for line in second.metrics if line.epoch <= done]
    assert before == [line for line in first.metrics if line.split != "test"]


def test_a_run_of_an_older_version_goes_on_from_the_state_that_it_has(tmp_path: Path) -> None:
    """It kept none after its last step, and its config.json has epochs alone."""
    toy_run(tmp_path / "alone", epochs=4)
    toy_run(tmp_path / "run", epochs=2)
    (tmp_path / "run/checkpoints/step-000000006.safetensors").unlink()
    toy_run(tmp_path / "begun", epochs=2, should_stop=lambda: "stop")
    first = "checkpoints/step-000000000.safetensors"
    (tmp_path / "run" / first).write_bytes((tmp_path / "begun" / first).read_bytes())
    config = json.loads((tmp_path / "run/config.json").read_text(encoding="utf-8"))
    del config["settings"]["steps"], config["settings"]["budget"], config["checksum"]
    (tmp_path / "run/config.json").write_text(json.dumps(config), encoding="utf-8")
    assert longer(tmp_path / "run").summary == read_summary(tmp_path / "run")
    longer(tmp_path / "run", epochs=4)
    assert content(tmp_path / "run") == content(tmp_path / "alone")


# Early stopping ----------------------------------------------------------------------------------


def warming(share: float, table: list[float], **options: Any) -> History:
    """Its validation value after epoch i is table[i - 1], and something rises over a share of the run."""

    def terms(model: Weights, x: torch.Tensor, values: Any) -> dict[str, torch.Tensor]:
        if model.training:
            return {"loss_nats": -model.weights.sum()}
        return {"loss_nats": torch.tensor(float(table[round(model.weights.item() / EPOCH) - 1]))}

    objective = Scripted(terms, lambda clock: {"beta": min(1.0, clock.progress / share)})
    steps = {"optimizer": SGD(beta1=0.0), "schedule": "constant", "warmup": 0, "learning_rate": 1.0}
    return fit(Weights(0.0), objective, toy_data(), batch_size=16, **SMALL, **steps, **options)


@pytest.mark.parametrize(
    ("share", "table", "epochs", "best"),
    [
        (1.0, [1, 2, 3, 4, 5, 6], 6, 6),  # the last counts, since no other does
        (0.5, [1, 2, 5, 4, 4.5, 4.6], 6, 4),
        (0.5, [1, 2, 3, 4, 4.5, 1], 5, 3),
    ],
)
def test_best_and_patience_count_from_where_schedules_are_final(
    share: float, table: list[float], epochs: int, best: int
) -> None:
    summary = warming(share, table, epochs=len(table), patience=2).summary
    assert summary is not None
    assert (summary.epochs, summary.weights.epoch) == (epochs, best)


# Data that moved ---------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "own.npy"
    np.save(path, (np.random.default_rng(0).random((60, 9, 8)) * 255).astype(np.uint8))
    return path


def test_data_that_moved_are_found_by_their_content(stored: Path, tmp_path: Path) -> None:
    for name, stop in (("alone", None), ("stopped", "stop")):
        train(
            "vae",
            stored,
            width=8,
            epochs=2,
            likelihood="gaussian",
            out=tmp_path / name,
            should_stop=lambda stop=stop: stop,
            **SMALL,
        )
    moved = stored.rename(tmp_path / "moved.npy")
    remedy = r"no longer at .*own.npy; if they moved, give data='NEW/PLACE', or .* vaekit resume .*alone data='NEW/PLACE'"
    with pytest.raises(DataError, match=remedy):
        encode(tmp_path / "alone")
    np.save(
        stored.with_name("other.npy"),
        np.zeros((60, 9, 8), np.uint8) + np.arange(60, dtype=np.uint8)[:, None, None],
    )
    with pytest.raises(RunError, match="have changed since this run began"):
        resume(tmp_path / "stopped", data=stored.with_name("other.npy"), progress="none")
    for name in ("stopped", "alone"):
        resume(tmp_path / name, data=moved, progress="none")
        config = read_run_config(tmp_path / name)
        assert config.data.path == config.settings["data"] == str(moved)
        assert len(encode(tmp_path / name).split) == 60
    assert content(tmp_path / "stopped") == content(tmp_path / "alone")
    assert read_run_config(tmp_path / "alone").data.source == str(stored)


# Weights of another run --------------------------------------------------------------------------


@pytest.fixture
def first(tmp_path: Path) -> Path:
    options = {"likelihood": "gaussian", "sigma": 0.3, "latent_dim": 20, "width": 16, "init": "random"}
    train("vae", "digits", steps=8, out=tmp_path / "first", **options, **SMALL)
    return tmp_path / "first"


def begin(folder: Path, start: Path, **options: Any) -> History:
    return train("beta-vae", "digits", steps=6, validation=0.2, start=start, out=folder, **SMALL, **options)


def test_it_begins_with_the_weights_and_the_model_of_another_run(first: Path, tmp_path: Path) -> None:
    begin(tmp_path / "second", first, sigma=0.4)
    state = load_state(tmp_path / "second/checkpoints")
    begin(tmp_path / "stopped", first, sigma=0.4, should_stop=lambda: "stop")
    oldest, _ = read_tensors(min((tmp_path / "stopped/checkpoints").iterdir()))
    theirs, _ = read_tensors(first / "model.safetensors")
    assert state is not None and state["step"] == 6
    assert all(torch.equal(oldest[f".model.{name}"], tensor) for name, tensor in theirs.items())
    run, before = load_run(tmp_path / "second"), load_run(first)
    options = run.settings.model.flat()
    assert options == before.settings.model.flat() | {"sigma": 0.4}
    assert run.config.start is not None
    assert run.config.start.path == str(first)


def test_a_run_without_a_state_begins_with_those_weights_again(first: Path, tmp_path: Path) -> None:
    begin(tmp_path / "alone", first)
    begin(tmp_path / "run", first)
    for path in (tmp_path / "run").iterdir():  # as a process leaves it that is killed before its first state
        if path.name != "config.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    changed = shutil.copytree(tmp_path / "run", tmp_path / "changed")
    resume(tmp_path / "run", progress="none")
    assert content(tmp_path / "run") == content(tmp_path / "alone")
    resume(first, steps=9, progress="none")
    with pytest.raises(RunError, match=r"weights of .*first, with which it began, have changed; train anew"):
        resume(changed, progress="none")


def test_with_a_state_it_needs_the_other_run_no_more(first: Path, tmp_path: Path) -> None:
    begin(tmp_path / "alone", first)
    asked = iter([None, "stop"])
    begin(tmp_path / "run", first, should_stop=lambda: next(asked))
    shutil.rmtree(first)
    resume(tmp_path / "run", progress="none")
    assert content(tmp_path / "run") == content(tmp_path / "alone")


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("cvae", {}, "it is a vae, whose model a cvae does not have"),
        ("vqvae", {}, "it is a vae, whose model a vqvae does not have"),
        ("vae", {"latent_dim": 7}, r"weights do not fit this model \(latent_dim=7 and not 20\); leave out"),
        ("vae", {"image_size": "16"}, "model takes examples of 1x8x8, those of digits are 1x16x16"),
    ],
)
def test_weights_that_do_not_fit(
    method: str, options: dict[str, Any], message: str, first: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=message):
        train(method, "digits", start=first, out=tmp_path / "second", **SMALL, **options)
    assert not (tmp_path / "second").exists()


def test_a_start_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run folder"):
        begin(tmp_path / "second", tmp_path / "nothing")


def test_fit_takes_weights_too(first: Path, tmp_path: Path) -> None:
    before = load_run(first)
    settings = before.settings
    data = load_data("digits")
    fresh = seeded_model(settings, {"shape": data.shape, "pixels": data.pixels})
    options = {**SMALL, "learning_rate": 1e-12, "weights": "last"}
    fit(fresh, ELBO(), data, start=first, steps=1, **options)
    for name, tensor in before.model.state_dict().items():
        torch.testing.assert_close(fresh.state_dict()[name], tensor, atol=1e-9, rtol=0)
