from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from vaekit.data import Data, Split, describe, load_data


def test_describe_counts_what_is_there(grey):
    doubled = np.concatenate([grey, grey[:4]])
    labels = np.where(np.arange(64) % 4 == 0, "rare", "often")
    data = load_data(doubled, labels=labels)
    found = describe(data)
    assert json.loads(json.dumps(found)) == found
    assert found["images"]["all"] == 64
    assert found["images"]["test"] == len(data.test)
    assert found["mean"] == pytest.approx(doubled.astype(float).mean() / 255)
    assert found["range"] == [doubled.min() / 255, doubled.max() / 255]
    assert found["duplicates"] == {
        "all": 4,
        "test in train": 0,
        "test in validation": 0,
        "validation in train": 0,
    }
    assert {name: sum(counts.values()) for name, counts in found["classes"].items()} == {
        "often": 48,
        "rare": 16,
    }
    assert (found["shape"], found["pixels"], found["dynamic"]) == ([1, 9, 8], "8-bit", False)


def test_describe_features_without_labels():
    values = np.random.default_rng(0).normal(3, 2, (50, 7)).astype(np.float32)
    found = describe(load_data(values, pixels="real", validation=0))
    assert found["classes"] is None
    assert found["range"] == [values.min(), values.max()]
    assert found["mean"] == pytest.approx(values.astype(float).mean())
    assert found["images"]["validation"] == 0
    json.dumps(found)


def test_copies_are_counted_within_and_between_splits():
    """Letters stand for images: a, c in the test split are also in training, b in validation, x twice within."""
    pictures = {
        letter: torch.full((1, 3, 3), 20 * n, dtype=torch.uint8) for n, letter in enumerate("abcdexyz")
    }

    def split(letters: str) -> Split:
        return Split(torch.stack([pictures[letter] for letter in letters]))

    splits = {"train": "abcde", "validation": "bxx", "test": "aacyx"}
    found = describe(Data("letters", *map(split, splits.values()), "8-bit"))["duplicates"]
    every = "".join(splits.values())
    assert found == {
        "all": len(every) - len(set(every)),
        "test in train": 3,
        "test in validation": 1,
        "validation in train": 1,
    }


def test_columns_of_real_values_and_their_ends():
    values = np.random.default_rng(0).normal(size=(200, 4)) * [1, 1e4, 1e-3, 0] + [0, 5, 0, 0.1]
    data = load_data(values, pixels="real")
    found, train = describe(data), data.train.images.numpy()
    means, deviations = train.mean(0), train.std(0)
    assert found["columns"]["kind"] == "column"
    np.testing.assert_allclose(found["columns"]["mean"], [means.min(), means.max()])
    np.testing.assert_allclose(found["columns"]["standard_deviation"], [0, deviations.max()], atol=1e-12)
    assert found["columns"]["constant"] == [3]
    assert any("constant" in note and "3" in note for note in found["notes"])
    json.dumps(found)


def test_channels_of_real_images_have_ends_too_and_pixels_have_none():
    signals = np.random.default_rng(0).normal(size=(60, 2, 8, 9)).astype(np.float32)
    assert describe(load_data(signals, pixels="real", layout="NCHW"))["columns"]["kind"] == "channel"
    grey = np.random.default_rng(0).integers(0, 255, (60, 8, 9)).astype(np.uint8)
    assert describe(load_data(grey))["columns"] is None
