"""Mirrored training images: which runs have them, what never does, and that a run stays a function of its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import vaekit
from toy import SMALL, Scripted, Weights, toy_data
from vaekit import SettingError
from vaekit.config.methods import resolve
from vaekit.models.build import seeded_model
from vaekit.objectives.elbo import ELBO
from vaekit.runs.files import read_tensors
from vaekit.runs.records import read_run_config
from vaekit.training.fit import History, fit
from vaekit.training.resume import resume

FIT = {"batch_size": 16, "checkpoint_seconds": 1e9, "epochs": 6, **SMALL}


def toy_run(folder: Path, **options: Any) -> History:
    settings = resolve("vae", {"data": "toy", "latent_dim": 3, "width": 8})
    model = seeded_model(settings, {"shape": (1, 4, 4), "pixels": "8-bit"})
    return fit(model, ELBO(), toy_data(), out=folder, **FIT | options)


def content(folder: Path) -> tuple[dict[str, bytes], bytes]:
    tensors, _ = read_tensors(folder / "model.safetensors")
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}, (
        folder / "metrics.jsonl"
    ).read_bytes()


@pytest.mark.parametrize("stop", [1, 4, 10])
def test_a_resumed_run_is_equal_bit_for_bit(tmp_path: Path, stop: int) -> None:
    toy_run(tmp_path / "whole", flip=True)
    asked = iter([None] * stop + ["stop"])
    assert toy_run(tmp_path / "parts", flip=True, should_stop=lambda: next(asked)).interrupted
    assert read_run_config(tmp_path / "parts").settings["flip"] is True
    resume(tmp_path / "parts", data=toy_data(), progress="none")
    assert content(tmp_path / "parts") == content(tmp_path / "whole")
    toy_run(tmp_path / "plain")
    assert content(tmp_path / "plain")[0] != content(tmp_path / "whole")[0]
    assert read_run_config(tmp_path / "plain").settings["flip"] is False


def test_only_training_batches_are_mirrored() -> None:
    data, seen = toy_data(), []

    def terms(model: Any, x: Tensor, values: object) -> dict[str, Tensor]:
        seen.append((model.training, x))
        return {"loss_nats": model.weights.sum() + 0 * x.flatten(1).sum(1)}

    class Watching(Weights):
        def prepare(self, images: Tensor) -> None:
            assert torch.equal(images, data.train.images)

    fit(Watching(1.0), Scripted(terms), data, flip=True, **FIT | {"epochs": 20})
    measured = torch.cat([x for training, x in seen if not training])
    held_out = torch.cat([data.validation.images, data.test.images]).float() / 255
    assert all((held_out == x).flatten(1).all(1).any() for x in measured), "as they are stored"
    trained, train = torch.cat([x for training, x in seen if training]), data.train.images.float() / 255
    as_is, other = (
        torch.stack([(form == x).flatten(1).all(1).any() for x in trained])
        for form in (train, train.flip(-1))
    )
    assert len(trained) == 20 * 40 and (as_is ^ other).all()
    assert abs(other.float().mean().item() - 0.5) < 5 * 0.5 / 800**0.5


def test_rows_of_features_and_latents_have_no_mirror_image(tmp_path: Path, ae_run: Path) -> None:
    rows = torch.randn(60, 5)
    with pytest.raises(
        SettingError, match=r"^flip=True mirrors pictures; the data are rows of 5 features: .*out\.$"
    ):
        vaekit.train("vae", rows, pixels="real", out=tmp_path / "rows", flip=True, steps=2, **SMALL)
    assert not (tmp_path / "rows").exists()
    with pytest.raises(SettingError, match=r"^flip=True mirrors pictures; a prior is fitted to latents"):
        vaekit.prior(ae_run, flip=True, components=2, **SMALL)
    assert not (ae_run / "prior").exists()
