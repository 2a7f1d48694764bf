"""What the cache holds, what a check finds, and what emptying removes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vaekit
from made_files import png
from vaekit.data import load_data


@pytest.fixture
def roots(tmp_path: Path) -> list[Path]:
    """Two folders whose images have been decoded."""
    folders = [tmp_path / name for name in ("large", "small")]
    for folder, side in zip(folders, (40, 10), strict=True):
        folder.mkdir()
        for i in range(12):
            values = np.random.default_rng(i).integers(0, 256, (side, side), dtype=np.uint8)
            (folder / f"{i}.png").write_bytes(png(values))
        load_data(folder)
    return folders


def test_entries_are_what_was_decoded(roots: list[Path], own_cache: Path) -> None:
    found = vaekit.cache(check=True)
    assert [(entry.kind, entry.what, entry.images, entry.problem) for entry in found.entries] == [
        ("pictures", str(root.resolve()), 12, "") for root in roots
    ]
    files = [path for path in own_cache.rglob("*") if path.is_file()]
    assert found.bytes == sum(path.stat().st_size for path in files) > 12 * (40 * 40 + 10 * 10)
    assert sorted(file for entry in found.entries for file in entry.files) == sorted(map(str, files))
    assert json.loads(json.dumps(found.as_dict()))["problems"] == 0


@pytest.mark.parametrize(("damage", "problem", "without_check"), [
    ("bit", "damaged: other values than were written", False), ("cut", "damaged, or cut short: not used", True),
    ("manifest", "damaged, or of another version: not used", True), ("folder", "its folder is gone", True),
])  # fmt: skip
def test_a_check_finds_damage(
    roots: list[Path], own_cache: Path, terminal, damage: str, problem: str, without_check: bool
) -> None:
    largest = max(own_cache.rglob("*.npy"), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    if damage == "bit":
        content[-1] ^= 1
        largest.write_bytes(content)
    elif damage == "cut":
        largest.write_bytes(content[:-9])
    elif damage == "manifest":
        largest.with_suffix(".json").write_text('{"names": 3}', encoding="utf-8")
    else:
        shutil.rmtree(roots[0])
    assert sorted(entry.problem for entry in vaekit.cache(check=True).entries) == ["", problem]
    assert vaekit.cache().problems == without_check
    done = terminal("cache", "--check")
    assert (done.status, problem in done.out) == (int("damaged" in problem), True)
    assert "1 problem" in done.out.splitlines()[0]


def test_emptying_removes_what_is_ours(roots: list[Path], own_cache: Path, terminal) -> None:
    (own_cache / "folders" / "notes.txt").write_text("mine", encoding="utf-8")
    (own_cache / "thesis.tmp").write_text("mine", encoding="utf-8")
    assert "2 items, removed" in terminal("cache", "--empty").out
    left = sorted(path.name for path in own_cache.rglob("*") if path.is_file())
    assert left == ["notes.txt", "thesis.tmp"]
    assert vaekit.cache().entries == []
    assert json.loads(terminal("cache", "--json").out)["bytes"] == 0


def test_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("VAEKIT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    assert vaekit.cache().path is None
