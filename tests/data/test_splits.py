from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from vaekit.core import DataError
from vaekit.data.dataset import Loaded, Split
from vaekit.data.picking import picked
from vaekit.data.sources import load_data
from vaekit.data.splits import assign, content_keys, copies, make_splits, unitless_keys


def keys_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 2), dtype=np.uint64)


def images_of(data, split: str) -> set[bytes]:
    return {bytes(image.numpy().tobytes()) for image in data.splits[split].images}


def test_keys_are_the_hash_of_each_image(grey):
    keys = content_keys(torch.from_numpy(grey))
    for image, key in zip(grey, keys, strict=True):
        expected = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        assert int(key[0]) == int.from_bytes(expected[:8], "little")
        assert int(key[1]) == int.from_bytes(expected[8:], "little")


def test_keys_do_not_depend_on_the_memory_layout(grey):
    colour = torch.from_numpy(np.stack([grey, grey // 2, grey // 3], axis=-1))
    view = colour.permute(0, 3, 1, 2)
    assert not view.is_contiguous()
    assert (content_keys(view) == content_keys(view.contiguous())).all()


def test_every_image_is_in_exactly_one_split_and_in_source_order():
    keys = keys_of(1000)
    rows = assign({"train": keys}, 1 / 12, "x")
    parts = [rows[name]["train"] for name in ("train", "validation", "test")]
    assert sorted(np.concatenate(parts).tolist()) == list(range(1000))
    assert all((np.diff(part) > 0).all() for part in parts)


def test_test_split_is_the_hashes_below_a_sixth():
    keys = keys_of(6000)
    expected = [i for i in range(6000) if int(keys[i, 0]) * 6 < 2**64]
    assert assign({"train": keys}, 0.1, "x")["test"]["train"].tolist() == expected


@pytest.mark.parametrize("share", [0.0, 1 / 12])
def test_a_part_of_a_set_is_split_anew(share: float) -> None:
    """All that was for training, of that again what was for training, and what was for testing; a sixth about each time."""
    keys = keys_of(6000)
    for part in ("train", "train", "test", "train"):
        rows = assign({"train": keys}, share, "x")
        tested = rows["test"]["train"]
        assert abs(len(tested) - len(keys) / 6) < 4 * (len(keys) * 5 / 36) ** 0.5
        keys = keys[rows[part]["train"]]


def test_copies_share_their_fate_in_a_set_that_is_split_anew() -> None:
    whole = keys_of(900)
    keys = whole[assign({"train": whole}, 0, "x")["train"]["train"]].repeat(2, 0)
    tested = np.isin(np.arange(len(keys)), assign({"train": keys}, 0.0, "x")["test"]["train"])
    assert (tested[::2] == tested[1::2]).all() and 0 < tested.sum() < len(keys)


def test_a_part_of_a_set_that_is_loaded_is_split_anew_and_given_splits_stay() -> None:
    images = np.random.default_rng(0).integers(0, 256, (400, 8, 8), np.uint8)
    whole = load_data(images)
    part = load_data(whole.train.images)
    assert len(part.test) > 30 and images_of(part, "test") < images_of(whole, "train")
    given = load_data({"train": whole.train.images, "test": whole.test.images})
    assert images_of(given, "test") == images_of(whole, "test")


@pytest.mark.parametrize("share", [0.0, 1 / 12, 0.3])
def test_validation_is_the_rounded_share_with_the_smallest_second_hash(share):
    keys = {"train": keys_of(600), "test": keys_of(100, 1)}
    rows = assign(keys, share, "x")
    ranked = sorted(range(600), key=lambda i: int(keys["train"][i, 1]))
    expected = sorted(ranked[: round(share * 600)])
    assert rows["validation"].get("train", np.array([])).tolist() == expected
    assert rows["test"]["test"].tolist() == list(range(100))


def test_exact_copies_share_a_split_whatever_their_order(grey):
    doubled = np.concatenate([grey, grey[::-1]])
    data = load_data(doubled)
    assert sum(map(len, data.splits.values())) == 120
    seen = [images_of(data, name) for name in data.splits]
    assert sum(map(len, seen)) == 60  # no image is in two splits


def test_split_depends_on_neither_order_nor_binarisation(grey):
    data = load_data(grey)
    shuffled = load_data(np.random.default_rng(0).permutation(grey))
    larger = load_data(grey, image_size="18x16")
    dynamic = load_data(grey, binarize="dynamic")
    for name, split in data.splits.items():
        assert images_of(data, name) == images_of(shuffled, name) == images_of(dynamic, name)
        assert len(split) == len(larger.splits[name])


def test_own_validation_split_stays_or_joins_training():
    keys = {"train": keys_of(40), "validation": keys_of(15, 1), "test": keys_of(20, 2)}
    kept = assign(keys, 0.1, "x")
    assert {name: {p: len(i) for p, i in parts.items()} for name, parts in kept.items()} == {
        "train": {"train": 40}, "validation": {"validation": 15}, "test": {"test": 20},
    }  # fmt: skip
    joined = assign(keys, 0.0, "x")
    assert {p: len(i) for p, i in joined["train"].items()} == {"train": 40, "validation": 15}
    assert joined["validation"] == {}


def test_joined_validation_brings_its_images_and_labels():
    def split(start: int, count: int) -> Split:
        values = torch.arange(start, start + count)
        return Split(values.float()[:, None], values, [str(int(v)) for v in values])

    loaded = Loaded({"train": split(0, 12), "validation": split(12, 3), "test": split(20, 5)})
    loaded.keys = {name: content_keys(part.images) for name, part in loaded.parts.items()}
    splits, _ = make_splits(loaded, "8-bit", 0.0, "x", "")
    assert splits["train"].images[:, 0].tolist() == list(range(15))
    assert splits["train"].labels is not None
    assert splits["train"].labels.tolist() == list(range(15))
    assert splits["train"].names == [str(i) for i in range(15)]
    assert len(splits["validation"]) == 0
    assert any("trained on" in note for note in loaded.notes)


@pytest.mark.parametrize(
    ("images", "kept"), [(6, 2), (12, 3), (40, 10), (63, 16), (64, 16), (142, 16), (192, 16), (600, 50)]
)
def test_few_images_keep_enough_for_validation_to_choose_by(images, kept):
    rows = assign({"train": keys_of(images), "test": keys_of(50, 1)}, None, "x")
    assert len(rows["validation"]["train"]) == kept


@pytest.mark.parametrize("share", [1 / 12, None])
def test_small_sets_still_have_every_split(share):
    for seed in range(200):
        rows = assign({"train": keys_of(10, seed)}, share, "x")
        assert all(sum(map(len, parts.values())) for parts in rows.values())


def test_copies_between_official_splits_are_counted_and_said():
    train, test = keys_of(30), keys_of(10, 1)
    test[[2, 5, 7]] = train[[9, 9, 11]]
    assert copies(test, train) == 3
    part = {"train": 30, "test": 10}
    loaded = Loaded(
        {name: Split(torch.zeros(n, 4)) for name, n in part.items()}, {"train": train, "test": test}
    )
    make_splits(loaded, "8-bit", 0.1, "x", "")
    assert loaded.notes == ["3 test images are exact copies of train images"]


def test_fingerprint_sees_images_labels_options_and_split(grey):
    labels = np.arange(60) % 3
    base = load_data(grey, labels=labels)
    changed = grey.copy()
    changed[7, 0, 0] ^= 1
    others = [
        load_data(changed, labels=labels),
        load_data(grey, labels=(labels + (np.arange(60) == 5)) % 3),
        load_data(grey, labels=labels, validation=0.2),
        load_data(grey, labels=labels, binarize="dynamic"),
        load_data(grey, labels=labels, image_size="8"),
    ]
    assert load_data(grey, labels=labels).fingerprint == base.fingerprint
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 6


@pytest.mark.parametrize(("count", "said"), [(1, "only 1 image;"), (9, "only 9 images;")])
def test_too_few(count, said, grey):
    with pytest.raises(DataError, match=said):
        load_data(grey[:count])


def test_all_alike(grey):
    with pytest.raises(DataError, match="too alike"):
        load_data(np.repeat(grey[:1], 40, axis=0))


def test_mnist_keeps_its_test_split_and_gives_5000_for_validation(mnist_root):
    data = load_data("mnist", data_dir=mnist_root)
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 55_000, "validation": 5_000, "test": 10_000,
    }  # fmt: skip
    assert len(load_data("mnist", data_dir=mnist_root, validation=0).train) == 60_000


def test_all_splits_together_keep_factors_and_only_whole_lists_of_names() -> None:
    data = load_data("strokes", validation=0.1)
    few = data.replace(**{name: split.take(torch.arange(12)) for name, split in data.splits.items()})
    together = picked(few, "all")
    assert together.factors is not None
    assert torch.equal(together.factors, torch.cat([split.factors for split in few.splits.values()]))
    named = few.replace(train=replace(few.train, names=[f"{k}.png" for k in range(12)]))
    assert picked(named, "all").names is None and len(picked(named, "all")) == 36


def test_real_values_are_split_alike_in_either_type() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    splits = load_data(rows, pixels="real").splits
    for name, split in load_data(rows.astype(np.float64), pixels="real").splits.items():
        np.testing.assert_array_equal(split.images.numpy(), splits[name].images.numpy())


def test_rows_that_only_float64_tells_apart_are_no_copies() -> None:
    """Of spread 1e-6 about 1e6: float32 has one value for all of them."""
    rows = 1e6 + 1e-6 * torch.randn(40, 3, dtype=torch.float64)
    twice = torch.cat([rows, rows[:2]])
    assert len(np.unique(content_keys(twice)[:, 0])) == len(np.unique(unitless_keys(twice)[:, 0])) == 40
    data = load_data(rows.numpy(), pixels="real")
    assert sum(map(len, data.splits.values())) == 40


UNITS = {
    "x 1e6": (1e6, 0),
    "x 1e-6": (1e-6, 0),
    "x 0.3": (0.3, 0),
    "+ 1e6": (1, 1e6),
    "a column x 1e4": ([1, 1e4, 1], 0),
}


@pytest.mark.parametrize("unit", UNITS)
def test_a_table_in_other_units_is_split_alike(unit: str) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 3))
    scale, offset = UNITS[unit]
    splits = load_data(rows, pixels="real").splits
    for name, split in load_data(rows * scale + offset, pixels="real").splits.items():
        np.testing.assert_allclose((split.images.numpy() - offset) / scale, splits[name].images, atol=1e-9)


def test_a_split_of_real_values_is_one_of_the_rows_in_whatever_order_and_copies_share_it() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 3))
    mixed = np.random.default_rng(1).permutation(600)
    splits = load_data(np.concatenate([rows, rows])[mixed], pixels="real").splits
    found = {name: {row.tobytes() for row in split.images.numpy()} for name, split in splits.items()}
    assert [sum(map(len, found.values())), len(set().union(*found.values()))] == [300, 300]
    shares = {name: len(split) / 600 for name, split in splits.items()}
    assert shares["test"] == pytest.approx(1 / 6, abs=0.05)


def test_of_a_wide_table_some_columns_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaekit.data.splits.RANKED", 10)
    rows = torch.randn(40, 30)
    assert len(np.unique(unitless_keys(rows)[:, 0])) == 40
