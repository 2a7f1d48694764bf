"""Files are whole or not there, and a state comes back as it went in, bit for bit."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vaekit import core
from vaekit.core import RunError, VaekitWarning
from vaekit.runs import files as checkpoints
from vaekit.runs.checkpoints import keep_last, load_state, pack, save_state, states, unpack
from vaekit.runs.files import read_tensors, remove_temporaries, write_atomic, write_json, write_tensors


@pytest.fixture(autouse=True)
def no_points() -> Iterator[None]:
    yield
    core.on_reach = None


def fail_at(stage: str, error: OSError) -> None:
    def fail(point: str) -> None:
        if point.endswith(stage):
            raise error

    core.on_reach = fail


# One file ----------------------------------------------------------------------------------------


def test_at_every_moment_the_old_or_the_new_file_is_there(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_atomic(path, b"old")
    found: dict[str, bytes] = {}
    core.on_reach = lambda point: found.setdefault(point, path.read_bytes())  # type: ignore[assignment]
    write_atomic(path, b"new and longer")
    assert found == {
        "file: before writing": b"old",
        "file: half written": b"old",
        "file: before renaming": b"old",
        "file: after renaming": b"new and longer",
    }
    assert os.listdir(tmp_path) == ["file.txt"]


@pytest.mark.parametrize("stage", ["before writing", "half written", "before renaming"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(stage: str, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_atomic(path, b"old")
    fail_at(stage, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(RunError) as caught:
        write_atomic(path, b"new")
    assert str(caught.value).startswith(f"cannot write {path}: No space left on device. ")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_an_interrupt_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(point: str) -> None:
        raise KeyboardInterrupt

    core.on_reach = interrupt
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", b"content")
    assert os.listdir(tmp_path) == []


def test_a_write_beyond_the_limit_of_the_system(tmp_path: Path) -> None:
    """A real refusal by the system, not a simulated one."""
    resource = pytest.importorskip("resource", reason="limits of file sizes are a matter of Unix")
    program = f"""
import resource, signal
from pathlib import Path
from vaekit.runs.files import write_atomic
from vaekit.core import RunError
path = Path({str(tmp_path / "file")!r})
write_atomic(path, b"old")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(path, bytes(100_000))
except RunError as error:
    print(error)
"""
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"cannot write {tmp_path / 'file'}: File too large.")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match=r"cannot write .*inner: Not a directory"):
        write_atomic(tmp_path / "file" / "inner", b"")


def test_of_many_that_begin_at_once_one_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files are named by process, so the threads here pretend to be several."""
    path = tmp_path / "config.json"
    outcomes: list[int] = []
    refused: list[str] = []
    monkeypatch.setattr(checkpoints.os, "getpid", threading.get_native_id)
    barrier = threading.Barrier(8)
    core.on_reach = lambda point: barrier.wait() and None if point.endswith("before renaming") else None

    def begin(number: int) -> None:
        try:
            write_json(path, {"number": number}, new=True)
            outcomes.append(number)
        except RunError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [json.loads(path.read_text(encoding="utf-8"))["number"]] == outcomes
    assert len(refused) == 7
    assert all("is there already" in line for line in refused)
    assert os.listdir(tmp_path) == ["config.json"]


def test_a_new_file_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(checkpoints.os, "link", refuse)
    write_atomic(tmp_path / "file", b"content", new=True)
    assert (tmp_path / "file").read_bytes() == b"content"
    assert os.listdir(tmp_path) == ["file"]


def test_json_is_utf8_and_holds_no_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", {"name": "Müller", "sigma": "σ"})
    assert "Müller" in (tmp_path / "file.json").read_bytes().decode("utf-8")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "file.json", {"value": math.nan})
    assert json.loads((tmp_path / "file.json").read_text(encoding="utf-8"))["sigma"] == "σ"


def test_temporaries_of_the_dead_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".model.safetensors.123.tmp", ".hidden", "notes.tmp", "model.safetensors"):
        (tmp_path / name).write_bytes(b"")
    remove_temporaries(tmp_path, tmp_path / "missing")
    assert sorted(os.listdir(tmp_path)) == [".hidden", "model.safetensors", "notes.tmp"]


def test_on_windows_a_folder_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a folder cannot be opened."""

    def refuse(*arguments: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(checkpoints.os, "open", refuse)
    monkeypatch.setattr(checkpoints, "WINDOWS", True)
    write_atomic(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize("windows", [True, False])
def test_on_windows_a_file_that_is_held_is_tried_again(
    windows: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, refusals = os.replace, iter([True, True, False])

    def held(source: Path, target: Path) -> None:
        if next(refusals):
            raise PermissionError(errno.EACCES, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(checkpoints.os, "replace", held)
    monkeypatch.setattr(checkpoints, "WINDOWS", windows)
    if windows:
        write_atomic(tmp_path / "file", b"content")
        assert (tmp_path / "file").read_bytes() == b"content"
    else:
        with pytest.raises(RunError, match="Permission denied"):
            write_atomic(tmp_path / "file", b"content")
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_was_read_can_be_replaced_and_the_tensors_stay(tmp_path: Path) -> None:
    """Nothing is memory-mapped: on Windows that would forbid it, elsewhere change the tensors."""
    path = tmp_path / "tensors"
    write_tensors(path, {"a": torch.arange(5)}, {})
    tensors, _ = read_tensors(path)
    path.write_bytes(bytes(path.stat().st_size))
    assert tensors["a"].tolist() == [0, 1, 2, 3, 4]


# Tensors and nested states -----------------------------------------------------------------------

TENSORS = {
    "float": torch.tensor([0.1, -0.0, 1e-45, math.inf]),
    "nan with a payload": torch.tensor([0x7FC01234], dtype=torch.int32).view(torch.float32),
    "half": torch.tensor([1.5], dtype=torch.bfloat16),
    "double": torch.tensor(1 / 3, dtype=torch.float64),
    "whole": torch.tensor([[2**62, -1]]),
    "bytes": torch.arange(256).to(torch.uint8).reshape(2, 4, 32),
    "bool": torch.tensor([True, False]),
    "empty": torch.zeros(0, 3),
    "transposed": torch.arange(6.0).reshape(2, 3).T,
}


def raw(tensor: Tensor) -> bytes:
    return tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    shared = torch.arange(4.0)
    tensors = TENSORS | {"one": shared, "the same": shared, "a part": shared[1:]}
    write_tensors(tmp_path / "file", tensors, {"σ": [1, None]})
    got, header = read_tensors(tmp_path / "file")
    assert header == {"σ": [1, None]}
    assert got.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (got[name].dtype, got[name].shape) == (tensor.dtype, tensor.shape)
        assert raw(got[name]) == raw(tensor)
    independent = load_file(tmp_path / "file")  # any reader of safetensors can read it
    assert all(raw(independent[name]) == raw(tensor) for name, tensor in tensors.items())


def test_a_nested_state_comes_back_with_its_types(tmp_path: Path) -> None:
    state = {
        "state": {0: {"step": torch.tensor(3.0), "m.n": torch.ones(2)}, 7: {}},
        "groups": [{"params": [0, 7], "lr": 0.1 + 0.2, "betas": (0.9, 0.99), "fused": None, "on": True}],
        "rows": [{"step": 5, "names": ["a_nats"], "means": torch.tensor([2.5])}],
        "tiny": 5e-324,
        "big": 2**80,
        "text": "tensor",
        "tensor": {"items": 1, "tensor": 2},  # words that the format itself uses
        "nothing": None,
    }
    tensors: dict[str, Tensor] = {}
    packed = json.loads(json.dumps(pack(state, tensors)))
    assert len(tensors) == 3
    got = unpack(packed, tensors)
    assert got["state"].keys() == {0, 7}
    assert got["state"][0]["m.n"].tolist() == [1.0, 1.0]
    assert got["groups"] == [
        {"params": [0, 7], "lr": 0.1 + 0.2, "betas": [0.9, 0.99], "fused": None, "on": True}
    ]
    assert got["rows"][0]["means"].tolist() == [2.5]
    for key in ("tiny", "big", "text", "tensor", "nothing"):
        assert got[key] == state[key]


def test_names_that_collide_once_joined_are_kept_apart() -> None:
    state = {"a": {"b": torch.tensor(1)}, "a.b": torch.tensor(2)}
    tensors: dict[str, Tensor] = {}
    got = unpack(pack(state, tensors), tensors)
    assert (got["a"]["b"].item(), got["a.b"].item()) == (1, 2)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_an_optimizer_goes_on_from_its_packed_state(kind: Any) -> None:
    def run(steps: int, interrupted_at: int | None) -> Tensor:
        torch.manual_seed(0)
        layer = nn.Linear(4, 3)
        optimizer = kind(layer.parameters(), lr=0.1, **({"momentum": 0.9} if kind is torch.optim.SGD else {}))
        for step in range(steps):
            if step == interrupted_at:
                tensors: dict[str, Tensor] = {}
                packed = json.loads(json.dumps(pack(optimizer.state_dict(), tensors)))
                copies = {name: tensor.clone() for name, tensor in tensors.items()}
                optimizer = kind(layer.parameters(), lr=0.7)
                optimizer.load_state_dict(unpack(packed, copies))
            optimizer.zero_grad()
            layer(torch.ones(2, 4)).square().sum().backward()
            optimizer.step()
        return layer.weight.detach().clone()

    assert torch.equal(run(6, None), run(6, 3))


def test_a_truncated_file_is_damaged_wherever_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_tensors(path, {"a": torch.arange(3.0)}, {"step": 1})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(RunError, match=r"file (is damaged|was not written)") as caught:
            read_tensors(path)
        assert "\n" not in str(caught.value)


def test_files_that_are_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(RunError, match=r"cannot read .*file: No such file"):
        read_tensors(path)
    save_file({"a": torch.ones(2)}, path)
    with pytest.raises(RunError, match="was not written by vaekit"):
        read_tensors(path)
    save_file({"a": torch.ones(2)}, path, {"vaekit": "{no json"})
    with pytest.raises(RunError, match="is damaged"):
        read_tensors(path)
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(RunError, match=r"is a file of torch\.save"):
        read_tensors(path)


# States ------------------------------------------------------------------------------------------


def test_the_last_two_states_stay(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    assert load_state(folder) is None
    for step in (0, 5, 999_999_999, 1_000_000_000 - 1):
        save_state(folder, step, {"step": step, "tensor": torch.tensor(step)})
    assert sorted(path.name for path in folder.iterdir()) == [
        "step-000000005.safetensors",
        "step-999999999.safetensors",
    ]
    state = load_state(folder)
    assert state is not None
    assert (state["step"], state["tensor"].item()) == (999_999_999, 999_999_999)


def test_a_state_that_cannot_be_written_leaves_those_before(tmp_path: Path) -> None:
    for step in (1, 2):
        save_state(tmp_path, step, {"step": step})
    fail_at("half written", OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(RunError, match=r"step-000000003.safetensors: No space left"):
        save_state(tmp_path, 3, {"step": 3})
    assert len(os.listdir(tmp_path)) == 2
    assert load_state(tmp_path) == {"step": 2}


def test_damaged_states_are_set_aside_and_do_not_count_as_kept(tmp_path: Path) -> None:
    for step in (1, 2):
        save_state(tmp_path, step, {"step": step})
    (tmp_path / "step-000000007.safetensors").write_bytes(b"torn")
    write_tensors(tmp_path / "step-000000008.safetensors", {}, {"other": 1})
    with pytest.warns(VaekitWarning) as warned:
        assert load_state(tmp_path) == {"step": 2}
    said = [str(warning.message) for warning in warned]
    assert [text.split(";")[-1] for text in said] == [
        " resuming from step-000000002.safetensors, the state before it."
    ] * 2
    assert "step-000000008.safetensors is not a resumable state" in said[0]
    assert "step-000000007.safetensors is damaged" in said[1]
    save_state(tmp_path, 3, {"step": 3})
    assert [path.name for path in sorted(tmp_path.glob("*.safetensors"))] == [
        "step-000000002.safetensors",
        "step-000000003.safetensors",
    ]


def test_what_was_written_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}

    def fsync(handle: int) -> None:
        order.append("sync folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "sync file")
        real["fsync"](handle)

    def replace(source: Path, target: Path) -> None:
        order.append("rename")
        real["replace"](source, target)

    monkeypatch.setattr(checkpoints.os, "fsync", fsync)
    monkeypatch.setattr(checkpoints.os, "replace", replace)
    write_atomic(tmp_path / "file", b"content")
    if sys.platform == "linux":
        assert order == ["sync file", "rename", "sync folder"]
    else:
        assert order.index("sync file") < order.index("rename")


def test_of_a_run_that_has_ended_the_last_state_alone_is_kept(tmp_path) -> None:
    for step in (0, 5, 9):
        save_state(tmp_path, step, {"step": step})
    keep_last(tmp_path)
    assert [path.stem for path in states(tmp_path)] == ["step-000000009"]
    keep_last(tmp_path)
    assert len(states(tmp_path)) == 1
    save_state(tmp_path / "new", 0, {"step": 0})
    keep_last(tmp_path / "new")
    assert len(states(tmp_path / "new")) == 1


def test_a_run_that_has_ended_keeps_none_from_before_its_first_step(vae_run) -> None:
    found = states(vae_run / "checkpoints")
    assert found and found[0].stem != "step-000000000"


def test_no_length_of_a_header_makes_a_file_of_torch_of_it(tmp_path: Path) -> None:
    """A file begins with that length: 640 is 80 02 in hexadecimals, as pickles begin."""
    lengths = set()
    for padding in range(400, 560, 4):
        write_tensors(tmp_path / "file", {"a": torch.ones(2)}, {"padding": "x" * padding})
        lengths.add(int.from_bytes((tmp_path / "file").read_bytes()[:8], "little"))
        assert read_tensors(tmp_path / "file")[1] == {"padding": "x" * padding}
    assert 640 in lengths
