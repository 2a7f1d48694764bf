"""`vaekit.features` from Python: the file holds what the functions beneath make of the same data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import vaekit
from vaekit import DataError, SettingError
from vaekit.evaluation.samples.features.classifier import train_classifier
from vaekit.evaluation.samples.features.pca import fit_pca
from vaekit.evaluation.samples.features.store import load_features


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_components_are_those_of_the_training_images(folder: Path) -> None:
    found = vaekit.features("digits", "pca", dimensions=5)
    data = vaekit.load_data("digits")
    assert found.path == Path("features") / f"{found.name}.safetensors"
    assert (found.kind, found.dimensions, found.shape, found.test_accuracy) == ("pca", 5, (1, 8, 8), None)
    by_hand = fit_pca(data, 5)
    images = data.test.images[:9]
    torch.testing.assert_close(load_features(found.path)(images), by_hand(images))
    assert list(Path("features").iterdir()) == [found.path]


def test_labels_make_a_classifier_of_it(folder: Path) -> None:
    lines: list[str] = []
    data = vaekit.load_data("digits")
    found = vaekit.features(
        data, dimensions=4, epochs=2, seed=1, device="cpu", out="own.safetensors", tell=lines.append
    )
    by_hand = train_classifier(data, dimensions=4, epochs=2, seed=1, device="cpu")
    assert found.kind == "classifier" and found.path == Path("own.safetensors")
    assert (found.test_accuracy, found.validation_accuracy, found.epoch) == (
        by_hand.accuracy,
        by_hand.validation_accuracy,
        by_hand.epoch,
    )
    assert [line[:12] for line in lines] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert found.figures == [f"fd_{found.name}", f"kd_{found.name}"]


def test_bad_arguments(folder: Path) -> None:
    images = torch.randint(0, 256, (60, 8, 8), dtype=torch.uint8).numpy()
    with pytest.raises(SettingError, match="kind: 'pcs' is not one of"):
        vaekit.features(images, "pcs")
    with pytest.raises(SettingError, match=r"cannot write \.bin"):
        vaekit.features(images, out="own.bin")
    with pytest.raises(DataError, match="no labels"):
        vaekit.features(images, "classifier")
    assert list(folder.iterdir()) == []
