from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit.data.cache import cache_dir, digest, gathered, read_npy, write_npy, written


def test_cache_dir_follows_the_platform(monkeypatch, tmp_path):
    assert cache_dir() == tmp_path / "own-cache"
    monkeypatch.delenv("VAEKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_dir() == tmp_path / "xdg" / "vaekit"
    monkeypatch.setattr("sys.platform", "win32")
    assert cache_dir() == tmp_path / "local" / "vaekit" / "Cache"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_dir() == Path.home() / "Library" / "Caches" / "vaekit"


def test_digest_is_blake2b_of_parts_with_their_lengths():
    expected = hashlib.blake2b(b"\2\0\0\0\0\0\0\0ab\3\0\0\0\0\0\0\0\1\2\3", digest_size=16).hexdigest()
    assert digest("ab", np.array([1, 2, 3], np.uint8)) == expected
    assert digest("ab", "c") != digest("a", "bc")


@pytest.mark.parametrize("count", [0, 1, 12_345])
def test_streamed_files_are_what_numpy_writes(tmp_path, count):
    array = np.random.default_rng(0).integers(0, 256, (count, 2, 3), dtype=np.uint8)
    write_npy(tmp_path / "a.npy", (array[k : k + 1000] for k in range(0, count, 1000)), (2, 3), array.dtype)
    np.save(tmp_path / "b.npy", array)
    assert np.array_equal(np.load(tmp_path / "a.npy"), array)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path):
    def images():
        yield np.zeros((1, 2, 2), np.uint8)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_npy(tmp_path / "sub" / "a.npy", images(), (2, 2), np.dtype(np.uint8))
    assert list((tmp_path / "sub").iterdir()) == []


def test_who_has_a_file_mapped_keeps_it_when_it_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.data.cache.RESIDENT", 5)
    for value in (1, 2):
        write_npy(tmp_path / "a.npy", [np.full((9, 4), value, np.uint8)], (4,), np.dtype(np.uint8))
        if value == 1:
            mapped = read_npy(tmp_path / "a.npy")
    assert (mapped == 1).all()
    assert (read_npy(tmp_path / "a.npy") == 2).all()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_in_use_on_windows_is_left_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"there")

    def denied(self, target):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "replace", denied)
    with written(tmp_path / "a") as file:
        file.write(b"new")
    assert (tmp_path / "a").read_bytes() == b"there"
    with pytest.raises(PermissionError), written(tmp_path / "b") as file:
        file.write(b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_gathered_is_indexing(monkeypatch, own_cache):
    monkeypatch.setattr("vaekit.data.cache.RESIDENT", 5)
    images = torch.arange(60).reshape(20, 3).to(torch.uint8)
    for indices in ([3, 4, 5], [0, 7, 19], list(range(20)), [5]):
        found = gathered(images, np.array(indices), True, "x")
        assert torch.equal(found, images[indices])
    assert gathered(images, np.array([3, 4]), True, "x").data_ptr() == images[3].data_ptr()
    assert len(list((own_cache / "splits").iterdir())) == 1
    assert len(gathered(images, np.array([], np.int64), True, "x")) == 0
    read = read_npy(next((own_cache / "splits").iterdir()))
    assert isinstance(read, np.memmap)
