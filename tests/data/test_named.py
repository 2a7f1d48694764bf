from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from vaekit.core import DataError
from vaekit.data import load_data, named
from vaekit.data.dataset import Data
from vaekit.data.formats.idx import read_idx
from vaekit.data.named import IDX_SETS, IdxSet


def joined(data: Data) -> tuple[list[bytes], list[int]]:
    """All images and labels, ordered by content."""
    pairs = []
    for split in data.splits.values():
        labels = split.labels if split.labels is not None else torch.full((len(split),), -1)
        pairs += [(i.numpy().tobytes(), int(y)) for i, y in zip(split.images, labels, strict=True)]
    pairs.sort()
    return [p[0] for p in pairs], [p[1] for p in pairs]


def test_digits_are_those_of_scikit_learn():
    bunch = load_digits()
    pixels = np.rint(bunch.images * 255 / 16).astype(np.uint8)
    pairs = sorted((image.tobytes(), int(y)) for image, y in zip(pixels, bunch.target, strict=True))
    data = load_data("digits")
    assert joined(data) == ([p[0] for p in pairs], [p[1] for p in pairs])
    assert data.class_names == list("0123456789")


def test_digits_without_the_file_come_from_the_function(monkeypatch):
    expected = named._digits_table()
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    for ours, theirs in zip(named._digits_table(), expected, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("place", ["parent", "itself", "variable"])
def test_idx_files_are_found_and_read(small_idx, monkeypatch, compressed, place):
    folder = small_idx(compressed=compressed)
    if place == "variable":
        monkeypatch.setenv("VAEKIT_DATA", str(folder.parent))
    where = {"parent": folder.parent, "itself": folder, "variable": None}[place]
    data = load_data("mnist", data_dir=where)
    test = np.random.default_rng(1).integers(0, 256, (12, 28, 28)).astype(np.uint8)
    assert np.array_equal(data.test.images.numpy()[:, 0], test)
    assert data.test.labels is not None
    assert data.test.labels.tolist() == [i % 10 for i in range(12)]
    assert (len(data.train), len(data.validation)) == (36, 12)
    assert data.path == str(folder.resolve())


def test_the_folder_of_another_set_is_not_taken(small_idx, monkeypatch):
    def download(name: str, known: object) -> None:
        raise DataError("would download")

    monkeypatch.setattr(named, "download", download)
    with pytest.raises(DataError, match=r"^would download$"):
        load_data("fashion-mnist", data_dir=small_idx("mnist"))


@pytest.fixture
def larochelle(tmp_path: Path) -> Path:
    folder = tmp_path / "root" / "binarized_mnist"
    folder.mkdir(parents=True)
    for seed, (part, count) in enumerate({"train": 20, "valid": 5, "test": 6}.items()):
        rows = np.random.default_rng(seed).integers(0, 2, (count, 784))
        text = "".join(" ".join(map(str, row)) + " \n" for row in rows)
        (folder / f"binarized_mnist_{part}.amat").write_text(text, encoding="ascii")
    return folder


def test_larochelles_files_are_read_with_their_own_splits(larochelle):
    data = load_data("mnist", data_dir=larochelle.parent, binarize="static")
    for seed, (name, count) in enumerate({"train": 20, "validation": 5, "test": 6}.items()):
        rows = np.random.default_rng(seed).integers(0, 2, (count, 784))
        assert np.array_equal(data.splits[name].images.numpy().reshape(count, 784), rows * 255)
    assert (data.pixels, data.dynamic, data.class_names) == ("binary", False, None)
    assert any("Larochelle's binarised MNIST" in note for note in data.notes)
    assert not any("drawn" in note or "not Larochelle" in note for note in data.notes)
    assert len(load_data("mnist", data_dir=larochelle.parent, binarize="static", validation=0).train) == 25


@pytest.mark.parametrize("damage", ["cut", "letters", "missing"])
def test_damaged_files_of_larochelle(larochelle, damage):
    file = larochelle / "binarized_mnist_valid.amat"
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-40] if damage == "cut" else b"0 1 x\n" * 784)
    with pytest.raises(DataError, match=r"binarized_mnist_valid\.amat: (cannot be read|damaged)"):
        load_data("mnist", data_dir=larochelle.parent, binarize="static")


def test_published_files_have_the_hashes_in_the_table(mnist_root):
    """The training files may be compressed anew; those of the test split are the published ones."""
    for name in (named.TEST_IMAGES, named.TEST_LABELS):
        content = Path(mnist_root, "mnist", f"{name}.gz").read_bytes()
        assert hashlib.sha256(content).hexdigest() == IDX_SETS["mnist"].sha256[name]


def test_mnist_is_mnist(mnist_root):
    """Sums that others publish: 0.1307 is the mean of the 60,000 training images."""
    data = load_data("mnist", data_dir=mnist_root, validation=0)
    assert data.train.labels is not None
    assert data.test.labels is not None
    assert float(data.train.images.sum(dtype=torch.float64)) / 255 / 47_040_000 == pytest.approx(
        0.1307, abs=5e-5
    )
    assert torch.bincount(data.train.labels).tolist() == [
        5923,
        6742,
        5958,
        6131,
        5842,
        5421,
        5918,
        6265,
        5851,
        5949,
    ]
    assert data.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


# Downloads, from a server on this machine.


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    servers = []

    def start(folder: Path) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes `mnist` the set in a folder, offered by some mirrors."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)

    def use(folder: Path, *mirrors: str) -> None:
        hashes = {
            p.name.removesuffix(".gz"): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()
        }
        monkeypatch.setitem(IDX_SETS, "mnist", IdxSet(("mnist",), tuple("0123456789"), hashes, mirrors))

    return use


def left_behind(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()] if cache.exists() else []


def test_download_and_then_from_the_cache(small_idx, serve, offer, own_cache):
    folder = small_idx()
    offer(folder, serve(folder))
    first = load_data("mnist")
    assert joined(first) == joined(load_data("mnist", data_dir=folder))
    offer(folder, "http://127.0.0.1:9/")  # nobody answers there; nobody is asked
    assert load_data("mnist").fingerprint == first.fingerprint
    assert {path.name for path in left_behind(own_cache)} == {path.name for path in folder.iterdir()}


def test_second_mirror_after_a_missing_file_and_after_a_wrong_one(small_idx, serve, offer, tmp_path):
    folder = small_idx()
    (tmp_path / "empty").mkdir()
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for path in folder.iterdir():
        (wrong / path.name).write_bytes(gzip.compress(b"something else"))
    offer(folder, serve(tmp_path / "empty"), serve(wrong), serve(folder))
    assert joined(load_data("mnist")) == joined(load_data("mnist", data_dir=folder))


def test_wrong_hash_everywhere_is_an_error_and_leaves_nothing(small_idx, serve, offer, own_cache):
    folder = small_idx()
    url = serve(folder)
    offer(folder, url, url)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match="wrong hash") as caught:
        load_data("mnist")
    assert "data_dir=" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert left_behind(own_cache) == []


def test_no_network(small_idx, offer, own_cache):
    offer(small_idx(), "http://127.0.0.1:9/")
    with pytest.raises(DataError, match=r"could not be downloaded.*Put the four \.gz files") as caught:
        load_data("mnist")
    assert "\n" not in str(caught.value)
    assert left_behind(own_cache) == []


def test_data_dir_without_the_files_downloads_and_says_so(small_idx, serve, offer, tmp_path):
    folder = small_idx()
    offer(folder, serve(folder))
    (tmp_path / "nothing").mkdir()
    data = load_data("mnist", data_dir=tmp_path / "nothing")
    assert any("has no files of mnist" in note for note in data.notes)


@pytest.mark.parametrize("axes", [1, 3])
def test_read_idx(tmp_path: Path, axes):
    array = np.random.default_rng(0).integers(0, 256, (5, 4, 3)[:axes], dtype=np.uint8)
    header = bytes([0, 0, 8, axes]) + np.array(array.shape, ">u4").tobytes()
    (tmp_path / "plain").write_bytes(header + array.tobytes())
    (tmp_path / "packed").write_bytes(gzip.compress(header + array.tobytes()))
    for name in ("plain", "packed"):
        assert np.array_equal(read_idx(tmp_path / name, axes), array)
