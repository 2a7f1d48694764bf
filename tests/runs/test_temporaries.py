"""Temporary names: never a user's, gone after the next start, and nobody else's while their writer lives."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

import vaekit
from vaekit import RunError
from vaekit.runs.files import check_writable, new_folder, write_atomic
from vaekit.runs.temporaries import is_temporary, remove_temporaries, temporary

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the system tells by other means")


def killed_while_writing(path: Path, folder: bool = False) -> None:
    """A process that is killed while it writes."""
    child = os.fork()
    if child == 0:
        with temporary(path, folder) as place:
            (place / "part" if folder else place).write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("name", ["out", "a name with é and spaces", "x" * 250, "[a]*?", ".hidden"])
def test_a_leftover_goes_with_the_next_start_of_the_same_name(
    name: str, folder: bool, tmp_path: Path
) -> None:
    killed_while_writing(tmp_path / name, folder)
    killed_while_writing(tmp_path / "other")
    assert len(os.listdir(tmp_path)) == 2 and all(is_temporary(left) for left in os.listdir(tmp_path))
    if folder:
        with new_folder(tmp_path / name) as part:
            (part / "whole").write_bytes(b"")
    else:
        write_atomic(tmp_path / name, b"whole")
    left = sorted(os.listdir(tmp_path))
    assert len(left) == 2 and name in left and next(n for n in left if n != name).startswith(".other.")
    remove_temporaries(tmp_path)
    assert os.listdir(tmp_path) == [name]


def test_one_whose_writer_lives_stays(tmp_path: Path) -> None:
    with temporary(tmp_path / "out") as first, temporary(tmp_path / "out", folder=True) as second:
        remove_temporaries(tmp_path)
        write_atomic(tmp_path / "out", b"content")
        assert first.exists() and second.exists()
    assert os.listdir(tmp_path) == ["out"]


def test_what_a_user_named_alike_stays(tmp_path: Path) -> None:
    names = [
        "out.tmp",
        ".out.tmp",
        ".out.vaekit-12.tmp",
        "out.vaekit-0123456789abcdef.tmp",
        ".out.vaekit-x.tmp",
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"thesis")
    (tmp_path / "thesis").write_bytes(b"thesis")
    (tmp_path / ".out.vaekit-0123456789abcdef.tmp").symlink_to(tmp_path / "thesis")
    write_atomic(tmp_path / "out", b"")
    remove_temporaries(tmp_path)
    assert (tmp_path / "thesis").read_bytes() == b"thesis"
    assert set(names) < set(os.listdir(tmp_path))


def test_without_locks_only_an_old_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("vaekit.runs.temporaries.fcntl.flock", no_locks)
    for number in range(2):
        (tmp_path / f".out.vaekit-{number:016x}.tmp").write_bytes(b"")
    os.utime(tmp_path / f".out.vaekit-{0:016x}.tmp", (time.time() - 10**6,) * 2)
    write_atomic(tmp_path / "out", b"")
    assert sorted(os.listdir(tmp_path)) == [f".out.vaekit-{1:016x}.tmp", "out"]


def test_two_that_write_the_same_folder_do_not_meet(tmp_path: Path) -> None:
    def both() -> None:
        with new_folder(tmp_path / "out") as first:
            (first / "mine").write_bytes(b"")
            with new_folder(tmp_path / "out") as second:
                (second / "theirs").write_bytes(b"")

    with pytest.raises(RunError, match=f"cannot write {tmp_path / 'out'}"):
        both()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "theirs"]


@pytest.mark.parametrize("format", ["web", "onnx"])
def test_an_export_leaves_the_folder_beside_alone(format: str, vae_run: Path, tmp_path: Path) -> None:
    if format == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    precious = tmp_path / "page.tmp" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_bytes(b"precious")
    vaekit.export(vae_run, tmp_path / "page", format)
    assert precious.read_bytes() == b"precious"
    assert sorted(os.listdir(tmp_path)) == ["page", "page.tmp", "vae"]


@pytest.mark.parametrize("place", ["file/below", "none/of/it/file/below"])
def test_a_place_that_cannot_be_written(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "none").symlink_to(tmp_path / "file")
    with pytest.raises(RunError, match="cannot write"):
        check_writable(tmp_path / place)
    check_writable(tmp_path / "new/and/newer/file")
    assert sorted(os.listdir(tmp_path)) == ["file", "none"]
