from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit import DataError
from vaekit.data import cache, load_data
from vaekit.data.dataset import Data
from vaekit.data.formats import arrays
from vaekit.data.formats.arrays import arranged, class_numbers


def everything(data: Data) -> set[bytes]:
    return {i.numpy().tobytes() for split in data.splits.values() for i in split.images}


def expected(array: np.ndarray) -> set[bytes]:
    return {np.ascontiguousarray(image).tobytes() for image in array}


@pytest.mark.parametrize(("shape", "order"), [
    ((20, 9, 8), "NHW"), ((20, 3, 9, 8), "NCHW"), ((20, 9, 8, 3), "NHWC"), ((20, 1, 28, 28), "NCHW"),
    ((20, 28, 28, 4), "NHWC"), ((20, 17), "ND"),
])  # fmt: skip
def test_layout_is_found(shape, order):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    images = arranged(torch.from_numpy(array), "auto", "x").numpy()
    moved = {"NHW": array[:, None], "NCHW": array, "NHWC": np.moveaxis(array, -1, 1), "ND": array}[order]
    assert np.array_equal(images, moved)


def test_ambiguous_layout_is_settled_by_the_option():
    array = np.random.default_rng(0).integers(0, 256, (30, 4, 9, 3), dtype=np.uint8)
    first = load_data(array, layout="NCHW", image_size=8)
    last = load_data(array, layout="NHWC", image_size=8)
    assert (first.shape, last.shape) == ((4, 8, 8), (3, 8, 8))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_floats_keep_their_values(dtype):
    array = np.random.default_rng(0).random((30, 8, 8)).astype(dtype)
    data = load_data(array)
    assert (data.pixels, data.train.images.dtype) == ("unit", torch.float32)
    assert everything(data) == expected(array.astype("<f4"))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16, np.int16, ">u2"])
def test_whole_numbers_become_bytes(dtype, grey):
    data = load_data(grey.astype(dtype))
    assert data.pixels == "8-bit"
    assert everything(data) == expected(grey)


def test_whole_numbers_as_features():
    array = np.random.default_rng(0).integers(-900, 900, (30, 5))
    data = load_data(array, pixels="real")
    assert everything(data) == expected(array.astype(np.float64))


@pytest.mark.parametrize(("given", "kept"), [
    (np.float64, torch.float64), (np.float32, torch.float32), (np.float16, torch.float32),
    (np.int64, torch.float64), (np.int16, torch.float32), (np.uint8, torch.float32),
])  # fmt: skip
def test_real_values_keep_their_digits(given: type, kept: torch.dtype) -> None:
    array = np.random.default_rng(0).integers(0, 200, (30, 5)).astype(given)
    data = load_data(array, pixels="real")
    assert data.train.images.dtype == kept
    assert everything(data) == expected(array.astype(str(kept).removeprefix("torch.")))


@pytest.mark.parametrize("values", [
    torch.rand(30, 1, 8, 8), torch.rand(30, 8, 8).to(torch.bfloat16), torch.rand(30, 8, 8, requires_grad=True),
    torch.rand(30, 8, 16)[:, :, ::2],
])  # fmt: skip
def test_tensors(values):
    data = load_data(values)
    plain = values.detach().float().reshape(30, 1, 8, 8).numpy()
    assert everything(data) == expected(plain)
    assert not data.train.images.requires_grad


def test_negative_strides_and_read_only_arrays(grey):
    frozen = grey[::-1]
    frozen.flags.writeable = False
    assert everything(load_data(frozen)) == expected(grey)


def test_labels_follow_their_images(grey):
    labels = grey.reshape(60, -1).sum(1) % 5 * 10
    data = load_data(grey, labels=labels)
    assert data.class_names == ["0", "10", "20", "30", "40"]
    for split in data.splits.values():
        assert split.labels is not None
        for image, label in zip(split.images, split.labels, strict=True):
            assert int(image.sum()) % 5 == int(label)


@pytest.mark.parametrize(("labels", "numbers", "names"), [
    (["img10", "img2", "Img1"], [2, 1, 0], ["Img1", "img2", "img10"]),
    ([7, 3, 7], [1, 0, 1], ["3", "7"]),
    ([2.0, 0.0, 1.0], [2, 0, 1], ["0", "1", "2"]),
    (np.array([[1], [0], [1]]), [1, 0, 1], ["0", "1"]),
    (torch.tensor([5, 5, 4]), [1, 1, 0], ["4", "5"]),
    ([True, False, True], [1, 0, 1], ["False", "True"]),
])  # fmt: skip
def test_class_numbers(labels, numbers, names):
    found, known = class_numbers(labels, 3, "x")
    assert (found.tolist(), known) == (numbers, names)


def test_npy_and_npz_give_what_was_saved(tmp_path: Path, grey):
    labels = np.arange(60) % 4
    np.save(tmp_path / "a.npy", grey)
    np.savez(tmp_path / "b.npz", images=grey, labels=labels)
    np.savez_compressed(tmp_path / "c.npz", pictures=grey, kinds=labels.astype(str), other=labels)
    memory = load_data(grey, labels=labels)
    plain = load_data(tmp_path / "a.npy")
    usual = load_data(str(tmp_path / "b.npz"))
    named = load_data(tmp_path / "c.npz", images_key="pictures", labels_key="kinds")
    for name, split in memory.splits.items():
        for other in (plain, usual, named):
            assert torch.equal(split.images, other.splits[name].images)
        assert split.labels is not None
        for other in (usual, named):
            labels_there = other.splits[name].labels
            assert labels_there is not None
            assert torch.equal(split.labels, labels_there)
    assert plain.train.labels is None
    assert plain.path == str((tmp_path / "a.npy").resolve())
    assert usual.fingerprint == memory.fingerprint == named.fingerprint


def test_large_files_are_mapped_and_split_through_the_cache(tmp_path: Path, grey, monkeypatch, own_cache):
    np.save(tmp_path / "a.npy", grey)
    resident = load_data(tmp_path / "a.npy")
    for module in (cache, arrays):
        monkeypatch.setattr(module, "RESIDENT", 100)
    for _ in range(2):
        mapped = load_data(tmp_path / "a.npy")
        assert mapped.fingerprint == resident.fingerprint
        for name, split in resident.splits.items():
            assert torch.equal(split.images, mapped.splits[name].images)
    assert len(list((own_cache / "splits").iterdir())) == 3  # written once, no temporary file left
    mapped.train.images[0] = 0  # copy-on-write: the files do not change
    assert torch.equal(load_data(tmp_path / "a.npy").train.images, resident.train.images)
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "a.npy"))  # a file: not usable as a folder
    assert torch.equal(load_data(tmp_path / "a.npy").train.images, resident.train.images)


def test_a_map_of_a_file_stays_mapped_and_the_file_as_it_is(tmp_path: Path, grey, monkeypatch, own_cache):
    np.save(tmp_path / "a.npy", np.concatenate([grey] * 3))
    content = (tmp_path / "a.npy").read_bytes()
    monkeypatch.setattr(cache, "RESIDENT", 100)
    monkeypatch.setattr(arrays, "RESIDENT", 100)
    for mode in ("r", "r+", "c"):
        mapped = np.load(tmp_path / "a.npy", mmap_mode=mode)
        for view, plain in (
            (mapped, np.array(mapped)),
            (mapped[7:90], np.array(mapped[7:90])),
            (mapped[::2], np.array(mapped[::2])),
        ):
            kept = cache.copy_on_write(view)
            assert cache.is_mapped(torch.from_numpy(kept))
            assert np.array_equal(kept, plain)
            data = load_data(view)
            assert everything(data) == expected(plain)
            data.train.images[0] = 0
    assert (tmp_path / "a.npy").read_bytes() == content


def test_masks_are_not_dropped(grey):
    with pytest.raises(
        DataError, match=r"1 of 4,320 values are masked; fill them \(array.filled\(0\), say\)"
    ):
        load_data(np.ma.array(grey, mask=np.arange(grey.size).reshape(grey.shape) == 9))
    assert everything(load_data(np.ma.array(grey))) == expected(grey)


@pytest.mark.parametrize("tensor", [
    torch.rand(30, 5).to_sparse(), torch.rand(30, 5).to(torch.float8_e4m3fn),  torch.rand(30, 5).to_mkldnn(),
    torch._neg_view(torch.rand(30, 5)) * -1,
])  # fmt: skip
def test_tensors_of_other_kinds_are_read_by_their_values(tensor):
    plain = tensor if tensor.layout == torch.strided else tensor.to_dense()
    assert everything(load_data(tensor, pixels="real")) == expected(plain.float().numpy())


@pytest.mark.parametrize("tensor", [
    torch.empty(30, 5, device="meta"), torch.rand(30, 5) * 1j,
])  # fmt: skip
def test_tensors_without_values_are_refused(tensor):
    with pytest.raises(DataError) as caught:
        load_data(tensor)
    assert "\n" not in str(caught.value)
