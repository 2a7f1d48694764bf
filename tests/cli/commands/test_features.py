"""`vaekit features` from the words of the command line to the file that `evaluate` reads."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from vaekit.cli.main import main
from vaekit.evaluation.samples.features.classifier_features import ClassifierFeatures
from vaekit.evaluation.samples.features.pca import PCAFeatures
from vaekit.evaluation.samples.features.store import load_features


@pytest.fixture
def source(tmp_path, monkeypatch) -> str:
    """Bright and dark images, in the current folder."""
    monkeypatch.chdir(tmp_path)
    labels = np.arange(200) % 2
    noise = np.random.default_rng(0).integers(0, 100, (200, 8, 8))
    np.savez("two kinds.npz", images=(noise + 120 * labels[:, None, None]).astype(np.uint8), labels=labels)
    np.savez("plain.npz", images=noise.astype(np.uint8))
    return "two kinds.npz"


def test_a_classifier_is_trained_and_named_by_its_hash(source, capsys):
    assert main(["features", "--data", source, "--epochs", "8", "--dimensions", "6", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    path = Path(result["out"])
    name = f"two_kinds_{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
    assert result["features"] == name
    assert result["figures"] == [f"fd_{name}", f"kd_{name}"]
    assert path == Path("features") / f"{name}.safetensors"
    assert list(path.parent.iterdir()) == [path]
    loaded = load_features(path)
    assert isinstance(loaded, ClassifierFeatures)
    assert loaded.accuracy == result["test_accuracy"] > 0.9


def test_images_without_labels_get_principal_components(source, capsys):
    assert main(["features", "--data", "plain.npz", "--dimensions", "5", "--out", "own.safetensors"]) == 0
    assert "pca5_plain_" in capsys.readouterr().out
    assert isinstance(load_features("own.safetensors"), PCAFeatures)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ([], "--data"),
        (["--data", "plain.npz", "--kind", "classifier"], "no labels"),
        (["--data", "plain.npz", "--out", "own.bin"], "own.bin"),
        (["--data", "plain.npz", "--dimensions", "1"], "--dimensions"),
        (["--data", "two kinds.npz", "--epochs", "0"], "--epochs"),
    ],
)
def test_wrong_options_are_named_in_one_line(source, capsys, words, remedy):
    assert main(["features", *words]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "note:" not in line]
    assert len(lines) == 1
    assert remedy in lines[0]
    assert not Path("features").exists()
