"""The frame of a file: whole or not there, resumed after every kill, read part by part, and never larger than allowed."""

from __future__ import annotations

import contextlib
import errno
import lzma
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vaekit import core
from vaekit.coding import blocks
from vaekit.coding.container import opened
from vaekit.coding.growing import growing, unfinished
from vaekit.coding.packing import (
    arrays_from_bytes,
    arrays_to_bytes,
    packed,
    packed_json,
    unpacked,
    unpacked_json,
)
from vaekit.coding.portion import SHAPE
from vaekit.core import DataError, RunError, SettingError

HEAD = {
    "version": 1, "source": "x", "images": 7, "shape": [1, 4, 4], "pixels": "8-bit", "classes": None, "splits": None,
    "model": {"hash": "a", "coder": "b", "known": "c", "inside": True},
}  # fmt: skip


def payload(first: int, count: int) -> bytes:
    return SHAPE.pack(first, count, 0, 0, 0, 0, 0, 0) + bytes([first]) * 50


def write(out: Path, stop_after: int = 9, identity: str = "a") -> None:
    """Three parts of 3, 3 and 1 examples, and a model."""
    with growing(out, HEAD, identity, b"the model") as file:
        for first in range(file.done, 7, 3):
            count = min(3, 7 - first)
            file.add(payload(first, count), count)
            if file.done >= stop_after:
                return
        file.finish()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "new" / "x.vk"


def test_a_file_is_read_as_it_was_written(out: Path) -> None:
    write(out)
    assert sorted(os.listdir(out.parent)) == ["x.vk"]
    with opened(out) as file:
        assert file.head == HEAD and not file.notes and file.model() == b"the model"
        entries = file.entries()
        assert [(e.number, e.first, e.count) for e in entries] == [(0, 0, 3), (1, 3, 3), (2, 6, 1)]
        assert file.payload(entries[1]) == payload(3, 3)


def test_every_kill_leaves_what_the_same_call_resumes_to_the_same_bytes(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(out)
    whole, points = out.read_bytes(), []
    out.unlink()
    monkeypatch.setattr(core, "on_reach", points.append)
    write(out)
    assert len(points) == 3 * 3 + 1
    for kill in range(len(points)):
        out.unlink(missing_ok=True)
        unfinished(out).unlink(missing_ok=True)
        seen: list[str] = []

        def reach(point: str, seen: list[str] = seen, last: int = kill) -> None:
            seen.append(point)
            if len(seen) > last:
                raise KeyboardInterrupt

        monkeypatch.setattr(core, "on_reach", reach)
        with pytest.raises(KeyboardInterrupt):
            write(out)
        assert not out.exists()
        monkeypatch.setattr(core, "on_reach", None)
        write(out)
        assert out.read_bytes() == whole and not unfinished(out).exists()


def test_finished_parts_are_not_written_again(out: Path) -> None:
    write(out, stop_after=6)
    with growing(out, HEAD, "a", b"the model") as file:
        assert (file.resumed, file.done) == (True, 6)
        assert list(file.payloads()) == [payload(0, 3), payload(3, 3)]
    for head, identity, model in (
        (HEAD | {"source": "y"}, "a", b"the model"),
        (HEAD, "b", b"the model"),
        (HEAD, "a", b"another model"),
        (HEAD, "a", None),
    ):
        write(out, stop_after=6)
        with growing(out, head, identity, model) as file:
            assert (file.resumed, file.done) == (False, 0)
    assert not unfinished(out).exists(), "what holds nothing is not left"


def test_a_part_that_is_damaged_meanwhile_is_written_again(out: Path) -> None:
    write(out)
    whole = out.read_bytes()
    out.unlink()
    write(out, stop_after=6)
    content = bytearray(unfinished(out).read_bytes())
    content[-1] ^= 1
    unfinished(out).write_bytes(content)
    with growing(out, HEAD, "a", b"the model") as file:
        assert file.done == 3
    write(out)
    assert out.read_bytes() == whole


def test_one_process_at_a_time(out: Path) -> None:
    with growing(out, HEAD, "a") as file:
        file.add(payload(0, 3), 3)
        with pytest.raises(RunError, match="another process is writing"), growing(out, HEAD, "a"):
            pass


def test_a_full_disk_is_one_line_and_keeps_what_is_whole(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(out, stop_after=3)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, growing(out, HEAD, "a", b"the model") as file:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match="No space left on device"):
            file.add(payload(3, 3), 3)
    assert not out.exists()
    with growing(out, HEAD, "a", b"the model") as file:
        assert file.done in (3, 6)


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot write"), growing(tmp_path / "file" / "x.vk", HEAD, "a"):
        pass


@pytest.mark.parametrize("missing", ["head", "index", "end", "magic", "head and magic"])
def test_head_and_index_stand_in_for_one_another(out: Path, missing: str) -> None:
    write(out)
    content = bytearray(out.read_bytes())
    index = int.from_bytes(content[-16:-8], "little")
    if "head" in missing:
        content[8 + 32 + 5] ^= 1
    if "magic" in missing:
        content[0] ^= 1
    if missing == "index":
        content[index + 40] ^= 1
    if missing == "end":
        del content[-10:]
    out.write_bytes(content)
    with opened(out) as file:
        assert file.notes and file.head == HEAD and file.model() == b"the model"
        found = [file.payload(entry) for entry in file.entries()]
    assert found == [payload(0, 3), payload(3, 3), payload(6, 1)]


def test_nothing_left_is_one_line(tmp_path: Path) -> None:
    for content in (b"", b"\x89VK1\r\n\x1a\n", b"PK\x03\x04" * 100, blocks.MAGIC + b"HEAD" * 100):
        (tmp_path / "x.vk").write_bytes(content)
        with pytest.raises(DataError, match="neither its head nor its index"), opened(tmp_path / "x.vk"):
            pass
    with pytest.raises(SettingError, match="no such file"), opened(tmp_path / "none.vk"):
        pass


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"version": None},
        {"shape": [1, 4, "4"]}, {"shape": []}, {"shape": [0]}, {"shape": [2**20, 2**20]},
        {"source": 3}, {"pixels": "real"}, {"images": -1}, {"images": 2.5}, {"model": {}}, {"model": [1]}, {"classes": 3}, {"classes": [3]},
        {"splits": "x"}, {"splits": [["a"]]}, {"splits": [["a", 3], ["b", 5]]}, {"splits": [["a", 3], ["a", 4]]},
        {"splits": [[1, 7]]}, {"splits": 7},
    ],
    ids=str,
)  # fmt: skip
def test_a_head_of_other_facts_is_one_line(out: Path, change: dict[str, object]) -> None:
    with growing(out, HEAD | change, "a") as file:
        file.add(payload(0, 3), 3)
        file.finish()
    with pytest.raises(DataError), opened(out):
        pass


def test_looking_through_a_file_of_names_takes_one_pass(tmp_path: Path) -> None:
    path = tmp_path / "x.vk"
    path.write_bytes(blocks.MAGIC + b"PARTHEADINDXMODL" * 2**16)
    began = time.process_time()
    with path.open("rb") as file:
        assert not list(blocks.all_blocks(file, path.stat().st_size))
    assert time.process_time() - began < 5


def test_nothing_unpacks_to_more_than_is_named() -> None:
    content = packed(bytes(2**24))
    assert len(content) < 5000 and unpacked(content, 2**24) == bytes(2**24)
    for size in (0, 1, 100, 2**24 - 1, 2**24 + 1):
        with pytest.raises(DataError):
            unpacked(content, size)
    for damaged in (content[:-1], content + b"x", b"", b"\x00", b"\xff" * 50):
        with pytest.raises(DataError):
            unpacked(damaged, 2**24)
    with pytest.raises(DataError, match="more than 100"):
        unpacked_json((2**20).to_bytes(4, "little") + content, 100)
    foreign = lzma.compress(b"x" * 50, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}])
    assert unpacked(foreign, 50) == b"x" * 50  # as any writer of such streams makes them


@pytest.mark.parametrize("text", ["[" * 10**5, '{"a": NaN}', "{", '"\\ud800"', "1e999", "9" * 5000])
def test_hostile_texts_are_one_line_or_a_value(text: str) -> None:
    content = len(text).to_bytes(4, "little") + packed(text.encode())
    with contextlib.suppress(DataError):
        unpacked_json(content)
    assert unpacked_json(packed_json({"é": ["\udc80", 1]})) == {"é": ["\udc80", 1]}


def test_arrays_come_back_in_their_types() -> None:
    draw = np.random.default_rng(0)
    arrays = {
        "a": draw.integers(-3, 3, (4, 5)).astype(np.int64),
        "b": draw.integers(0, 60000, 7).astype(np.int32),
        "c": np.array(-5, np.int8),
        "d": draw.integers(-(2**40), 2**40, (2, 0, 3)),
        "e": np.array([2**40, -(2**62)]),
        "f": np.array([3.0, -(2.0**50)]),
    }
    content = arrays_to_bytes({"x": 1}, arrays)
    about, found = arrays_from_bytes(content, 10**6)
    assert about == {"x": 1}
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)
    with pytest.raises(DataError, match="more than 100 bytes"):
        arrays_from_bytes(content, 100)
    with pytest.raises(ValueError, match="not written"):
        arrays_to_bytes({}, {"a": np.array(["x"])})
    for cut in range(0, len(content), 7):
        with pytest.raises(DataError):
            arrays_from_bytes(content[:cut], 10**6)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[0].__setitem__(2, "<O"), lambda t: t[0].__setitem__(1, [-1]), lambda t: t[0].__setitem__(1, [2**40, 2**40]),
        lambda t: t[0].__setitem__(3, "|O"), lambda t: t.append(t[0]), lambda t: t.clear(), lambda t: t[0].pop(),
        lambda t: t[0].__setitem__(1, "x"),
    ],
)  # fmt: skip
def test_hostile_tables_of_arrays_are_one_line(change: Callable[[list], None]) -> None:
    content = arrays_to_bytes({}, {"a": np.arange(5)})
    length = int.from_bytes(content[:4], "little")
    facts = unpacked_json(content[4 : 4 + length])
    change(facts["arrays"])
    text = packed_json(facts)
    with pytest.raises(DataError):
        arrays_from_bytes(len(text).to_bytes(4, "little") + text + content[4 + length :], 10**6)


def test_an_index_that_lies_is_not_followed(out: Path) -> None:
    write(out)
    content = out.read_bytes()
    index = int.from_bytes(content[-16:-8], "little")
    with out.open("rb") as file:
        block = list(blocks.all_blocks(file, len(content)))[-1]
    table = unpacked_json(content[block.offset : block.offset + block.length])
    for rows in (
        [[0, 2**60, 0, 0, 7]],
        [[0, 1, 0, 5, 7]],
        [[0, 1, 0, 0]],
        [[-1, 1, 0, 0, 7]],
        "x",
        [["a"] * 5],
    ):
        changed = packed_json(table | {"parts": rows})
        frame = blocks.frame(blocks.INDEX, 0, block.file, changed)
        out.write_bytes(content[:index] + frame + blocks.TAIL.pack(index, blocks.END))
        with opened(out) as file:
            assert any("index is damaged" in note for note in file.notes)
            assert next(file.payload(entry) for entry in file.entries()) == payload(0, 3)


@pytest.mark.parametrize("length", [10, 50, 90])
def test_a_part_in_the_place_of_another_is_seen_by_the_index(out: Path, length: int) -> None:
    """Its frame, checksum and examples fit; what gives it away is the index, though that then points beside it."""
    write(out)
    content = out.read_bytes()
    with out.open("rb") as file:
        found = list(blocks.all_blocks(file, len(content)))
    pieces, index = blocks.MAGIC, 0
    for block in found:
        inside = content[block.offset : block.end]
        if (block.kind, block.number) == (blocks.PART, 1):
            inside = payload(3, 3)[: SHAPE.size] + bytes(length)
        index = len(pieces)
        pieces += blocks.frame(block.kind, block.number, block.file, inside)
    out.write_bytes(pieces + blocks.TAIL.pack(index, blocks.END))
    with opened(out) as file:
        entries = file.entries()
        assert [file.payload(entries[place]) for place in (0, 2)] == [payload(0, 3), payload(6, 1)]
        with pytest.raises(DataError):
            file.payload(entries[1])
