"""`vaekit.train` is the parts put together by hand."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaekit
from vaekit import MLP, DataError, Gaussian, RunError, SettingError, TrainingNote, VaekitWarning
from vaekit.config.methods import resolve
from vaekit.data.dataset import PIXELS
from vaekit.distributions import LIKELIHOODS
from vaekit.metrics import KINDS
from vaekit.models.build import create_model, given_by_data
from vaekit.runs.files import read_tensors
from vaekit.runs.load import load_run
from vaekit.runs.records import read_run_config
from vaekit.training.resume import resume
from vaekit.training.train import train

SMALL = {"latent_dim": 2, "width": 8, "depth": 1, "epochs": 1, "likelihood": "gaussian", "device": "cpu"}


def weights(folder: Path | None) -> bytes:
    assert folder is not None
    return (folder / "model.safetensors").read_bytes()


def test_it_is_the_model_of_its_seed_fitted_to_the_data(tmp_path: Path) -> None:
    lines: list[str] = []
    given = SMALL | {
        "init": "random",
        "batch_size": 192,
        "learning_rate": 4e-3,
    }  # nothing is left to the data
    history = train("vae", "digits", seed=3, out=tmp_path / "run", tell=lines.append, **given)
    torch.manual_seed(0)
    data = vaekit.load_data("digits")
    settings = resolve("vae", {"data": "digits", "seed": 3, **given})
    from vaekit.training.fresh import new_model

    model, objective = new_model(settings, data)
    by_hand = vaekit.fit(model, objective, data, options=settings.fit, out=tmp_path / "hand")
    assert weights(history.out) == weights(by_hand.out)
    assert history.test.negative_elbo_nats == by_hand.test.negative_elbo_nats
    assert lines == [f"training vae on digits (1,360 images of 1x8x8) into {tmp_path / 'run'}"]


def test_sources_arrays_and_loaded_data_train_the_same(tmp_path: Path) -> None:
    data = vaekit.load_data("digits")
    splits = [data.train, data.validation, data.test]
    images = torch.cat([split.images for split in splits]).numpy()
    labels = torch.cat([split.labels for split in splits if split.labels is not None]).numpy()
    np.savez(tmp_path / "digits.npz", images=images, labels=labels)
    given = {
        "file": tmp_path / "digits.npz",
        "array": images,
        "data": vaekit.load_data(tmp_path / "digits.npz"),
    }
    found = {
        name: weights(
            train("cvae", each, labels=labels if name == "array" else None, out=tmp_path / name, **SMALL).out
        )
        for name, each in given.items()
    }
    for name in ("array", "data"):
        ends = [load_run(tmp_path / one).model.state_dict() for one in ("file", name)]
        assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0]), name
    assert len(found["file"]) > 0


def test_without_a_folder_runs_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [train("ae", "digits", **{**SMALL, "likelihood": Gaussian(sigma=0.2)}).out for _ in range(2)]
    assert folders == [Path("runs/ae-digits-1"), Path("runs/ae-digits-2")]
    settings = json.loads(Path("runs/ae-digits-1/config.json").read_text(encoding="utf-8"))["settings"]
    assert (settings["likelihood"], settings["sigma"]) == ("gaussian", 0.2)


def test_a_stopped_training_is_resumed_to_the_same_weights(tmp_path: Path) -> None:
    whole = train("vae", "digits", out=tmp_path / "whole", **SMALL)
    stopped = train("vae", "digits", out=tmp_path / "part", should_stop=lambda: "enough", **SMALL)
    assert stopped.interrupted == "enough" and stopped.summary is None
    assert stopped.out is not None
    assert weights(vaekit.resume(stopped.out).out) == weights(whole.out)


def test_what_is_odd_is_a_warning(tmp_path: Path) -> None:
    marks = np.random.default_rng(0).integers(0, 2, (60, 8, 8), dtype=np.uint8)
    with pytest.warns(VaekitWarning, match="taken as binary"):
        train("vae", marks, out=tmp_path / "run", **{**SMALL, "likelihood": "auto"})


@pytest.mark.parametrize(
    ("method", "given", "error", "says"),
    [
        ("vea", {}, SettingError, "Did you mean vae"),
        ("code-prior", {}, SettingError, "unknown method"),
        ("vae", {"bta": 4}, SettingError, "unknown option 'bta'. Did you mean beta?"),
        ("vae", {"epochs": 0}, SettingError, "epochs must be at least 1"),
        ("vae", {"device": "gpu"}, SettingError, "gpu"),
        ("vae", {"out": "."}, RunError, "something else is there"),
        ("vae", {"labels": [1]}, DataError, "labels= belongs to an array"),
    ],
)
def test_bad_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, given: dict, error: type, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(error, match=says):
        train(method, "digits", **given)
    assert [path.name for path in Path().iterdir()] == ["thesis.tex"]


def test_options_of_loading_are_not_for_loaded_data() -> None:
    with pytest.raises(SettingError, match="binarize= is for a source; these data are loaded already"):
        train("vae", vaekit.load_data("digits"), binarize="dynamic")


@pytest.mark.parametrize("method", ["vae", "ae", "vqvae"])
@pytest.mark.parametrize("pixels", list(PIXELS))
def test_auto_takes_a_likelihood(method: str, pixels: str) -> None:
    """Not what is none, such as bce of grey pixels: nats then bound something."""
    settings = resolve(method, {"data": "made up"})
    model = create_model(method, settings.model, given_by_data(method, (1, 8, 8), pixels, 0, "made up"))
    assert model.likelihood_name is not None
    assert KINDS[LIKELIHOODS[model.likelihood_name].kind].bounds


def test_nothing_is_odd_about_digits(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", TrainingNote)  # eight steps are few
        train("vae", "digits", out=tmp_path / "run", **SMALL)


@pytest.mark.parametrize(
    ("options", "width"),
    [
        ({}, 152),
        ({"width": 24}, 24),
        ({"network": "mlp"}, 512),
        ({"network": "mlp(width=24)"}, 24),
        ({"network": "auto(width=24)"}, 24),
        ({"network": MLP(width=24)}, 24),
        ({"network": "lesson"}, None),
        ({"likelihood": "bce"}, 152),
        ({"likelihood": "bce", "learning_rate": 1e-3}, 512),
        ({"learning_rate": 1e-3}, 152),
    ],
    ids=str,
)
def test_the_data_decide_a_width_that_nobody_gave(
    options: dict[str, Any], width: int | None, tmp_path: Path
) -> None:
    train(
        "vae", "digits", latent_dim=2, steps=1, out=tmp_path / "run", progress=False, device="cpu", **options
    )
    settings = read_run_config(tmp_path / "run").settings
    assert settings.get("width") == width
    decay = 0.0 if "likelihood" in options else 0.3 if width == 152 else 1.0
    assert settings["weight_decay"] == decay


def test_a_run_of_digits_is_small_and_can_be_trained_longer(tmp_path: Path) -> None:
    """Weights, and in the state they, their mean, the best so far and two means of gradients: six times so many numbers of 4 bytes."""
    quiet: dict[str, Any] = {"out": tmp_path / "run", "progress": False, "device": "cpu"}
    history = train("vae", "digits", steps=50, schedule="constant", **quiet)
    files = {path.name: path.stat().st_size for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert sum(files.values()) <= 3_000_000
    assert [name for name in files if name.startswith("step-")] == ["step-000000050.safetensors"]
    assert history.summary is not None
    weights = 4 * history.summary.parameters
    assert weights < files["model.safetensors"] < weights + 20_000
    assert files["step-000000050.safetensors"] < 5 * weights + 60_000
    assert files["previews.npz"] < 10_000
    longer = resume(tmp_path / "run", steps=70, progress=False)
    train("vae", "digits", steps=70, schedule="constant", **quiet | {"out": tmp_path / "alone"})
    assert longer.summary is not None and longer.summary.steps == 70
    ours, theirs = (read_tensors(tmp_path / run / "model.safetensors")[0] for run in ("run", "alone"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_two_moons_are_learned_by_default(tmp_path: Path) -> None:
    """From principal components one latent lives, and samples lie on a straight line (explained variance 0.7)."""
    angle = torch.rand(1500, generator=torch.Generator().manual_seed(0)) * torch.pi
    upper = torch.arange(1500) % 2 == 0
    rows = torch.stack([angle.cos() + (~upper), angle.sin() * torch.where(upper, 1, -1) + 0.5 * (~upper)], 1)
    rows += 0.05 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(1))
    history = train("vae", rows, pixels="real", out=tmp_path / "run", progress=False, device="cpu")
    assert history.test.explained_variance > 0.9
    settings = load_run(tmp_path / "run").settings
    assert (settings.model.init, settings.objective.kl_warmup) == ("random", 0.3)
