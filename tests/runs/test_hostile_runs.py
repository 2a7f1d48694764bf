"""Run files that are damaged, or hold what no run has: one line that names the file, the older state, or the same result."""

from __future__ import annotations

import json
import re
import shutil
import struct
import sys
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import vaekit
from vaekit import InputError, RunError, VaekitWarning, load_run
from vaekit.core import VaekitError
from vaekit.explorer.material import Material
from vaekit.runs.checkpoints import states
from vaekit.runs.files import read_tensors, write_tensors

# Values in config.json: where -> what is put there.
CONFIGS: dict[str, tuple[str, Any]] = {
    "no shape": ("data.shape", None),
    "shape of letters": ("data.shape", "abc"),
    "an empty shape": ("data.shape", []),
    "a shape below 0": ("data.shape", [1, 8, -8]),
    "a shape of fractions": ("data.shape", [1, 8, 8.5]),
    "a shape of thousands": ("data.shape", [1, 100_000, 100_000]),
    "a shape that is another": ("data.shape", [1, 16, 16]),
    "a shape of words": ("data.shape", [True, 8, 8]),
    "no pixels": ("data.pixels", None),
    "other pixels": ("data.pixels", "9-bit"),
    "classes below 0": ("data.classes", -1),
    "classes for ever": ("data.classes", 10**12),
    "names of no classes": ("data.class_names", ["a", "b"]),
    "a name that is a number": ("data.class_names", [3] * 10),
    "no images": ("data.images", {}),
    "images below 0": ("data.images", {"train": -5, "validation": 1, "test": 1}),
    "notes that are none": ("data.notes", 5),
    "a large latent": ("settings.latent_dim", 10**9),
    "a latent beyond numbers": ("settings.latent_dim", 2**63),
    "a wide network": ("settings.width", 10**7),
    "a network a little too wide": ("settings.width", 200_000),
    "a deep network": ("settings.depth", 10**6),
    "a seed of words": ("settings.seed", "one"),
    "an infinite rate": ("settings.learning_rate", float("inf")),
    "a settings list": ("settings", []),
    "versions that are none": ("versions", 7),
    "lengths below 0": ("lengths", [{"done": "x"}]),
    "a source that is a list": ("data.source", ["digits"]),
}  # fmt: skip


def put(path: Path, name: str, value: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    inner = content
    *way, last = name.split(".")
    for step in way:
        inner = inner[step]
    inner[last] = value
    path.write_text(json.dumps(content), encoding="utf-8")


def refused(action: Callable[[], object], *named: str) -> None:
    """One line that names what is wrong, within a few seconds."""
    began = time.process_time()
    with pytest.raises(InputError) as caught:
        action()
    line = str(caught.value)
    assert "\n" not in line and all(name in line for name in named), line
    assert time.process_time() - began < 5


@pytest.mark.parametrize("case", CONFIGS)
def test_a_config_that_cannot_be(case: str, vae_run: Path) -> None:
    put(vae_run / "config.json", *CONFIGS[case])
    named = "images" if case == "a shape that is another" else "config.json"
    refused(lambda: vaekit.sample(vae_run, 1), named)
    if not case.startswith("a shape that"):
        refused(lambda: vaekit.resume(vae_run, epochs=9), "config.json")
    assert not vaekit.check(vae_run).whole


TEXTS: dict[str, Callable[[Path], object]] = {
    "brackets in config.json": lambda run: (run / "config.json").write_text("[" * 200_000),
    "brackets in metrics.jsonl": lambda run: (run / "metrics.jsonl").write_text("[" * 200_000 + "\n"),
    "brackets in summary.json": lambda run: (run / "summary.json").write_text('{"a":' * 200_000),
    "digits in summary.json": lambda run: put_raw(run / "summary.json", "train_seconds", "9" * 5000),
    "infinity in summary.json": lambda run: put_raw(run / "summary.json", "train_seconds", "Infinity"),
    "1e999 in summary.json": lambda run: put_raw(run / "summary.json", "train_seconds", "1e999"),
    "bytes in metrics.jsonl": lambda run: (run / "metrics.jsonl").write_bytes(b"\xff\xfe\x00\n"),
    "no objects in metrics.jsonl": lambda run: (run / "metrics.jsonl").write_text("5\n"),
    "no split in metrics.jsonl": lambda run: (run / "metrics.jsonl").write_text('{"step": 1, "epoch": 1}\n'),
    "a number for a split in summary.json": lambda run: put(run / "summary.json", "test", 5),
    "nothing in previews.npz": lambda run: np.savez(run / "previews.npz", images=np.zeros((0, 1, 8, 8), np.uint8)),
    "one label in previews.npz": lambda run: np.savez(
        run / "previews.npz", images=np.zeros((3, 1, 8, 8), np.uint8), labels=np.array([1])
    ),
    "a label too many in previews.npz": lambda run: np.savez(
        run / "previews.npz", images=np.zeros((3, 1, 8, 8), np.uint8), labels=np.array([1, 2, 99])
    ),
    "words in previews.npz": lambda run: np.savez(run / "previews.npz", images=np.array([["a", "b"]])),
    "NaN in previews.npz": lambda run: np.savez(
        run / "previews.npz", images=np.full((3, 1, 8, 8), np.nan, np.float32)
    ),
    "other images in previews.npz": lambda run: flip_bit(run / "previews.npz", 300),
    "brackets in model.safetensors": lambda run: (run / "model.safetensors").write_bytes(
        struct.pack("<Q", 200_000) + b"[" * 200_000
    ),
    "a long header in model.safetensors": lambda run: (run / "model.safetensors").write_bytes(
        struct.pack("<Q", 2**62) + b"{}"
    ),
}  # fmt: skip


TAKEN = [
    "data",
    "data.source",
    "data.shape",
    "data.class_names",
    "data.notes",
    "data.images",
    "settings",
    "settings.method",
]


@pytest.mark.parametrize("name", TAKEN)
def test_a_config_without_something(name: str, vae_run: Path) -> None:
    content = json.loads((vae_run / "config.json").read_text(encoding="utf-8"))
    *way, last = name.split(".")
    inner = content
    for step in way:
        inner = inner[step]
    del inner[last]
    (vae_run / "config.json").write_text(json.dumps(content), encoding="utf-8")
    refused(lambda: vaekit.sample(vae_run, 1), "config.json", last)
    assert not vaekit.check(vae_run).whole


@pytest.mark.parametrize("name", ["network", "likelihood", "method", "optimizer", "beta_schedule"])
@pytest.mark.parametrize("value", ["os.system", "os:system", "__import__('os')", "../evil", "antigravity"])
def test_no_module_is_imported_by_a_name_in_a_config(name: str, value: str, vae_run: Path) -> None:
    put(vae_run / "config.json", f"settings.{name}", value)
    before = set(sys.modules)
    refused(lambda: vaekit.sample(vae_run, 1), "config.json")
    assert "antigravity" not in set(sys.modules) - before


def flagged(path: Path, at: int, value: int) -> None:
    """Another number in the entries of the first member of a zip file."""
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", at), (b"PK\x01\x02", at + 2)):
        start = content.find(mark)
        content[start + offset : start + offset + 2] = struct.pack("<H", value)
    path.write_bytes(content)


def claiming(path: Path) -> None:
    """Previews whose header says that there are 10^11 of them."""
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (100000000000, 1, 8, 8), }".ljust(117) + "\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "images.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(100)
        )


@pytest.mark.parametrize("damage", [
    lambda path: flagged(path, 6, 1), lambda path: flagged(path, 8, 99), lambda path: flagged(path, 4, 200), claiming,
], ids=["encrypted", "method 99", "version 200", "terabytes"])  # fmt: skip
def test_previews_in_an_archive_that_cannot_be_read(damage: Callable[[Path], None], vae_run: Path) -> None:
    damage(vae_run / "previews.npz")
    refused(lambda: load_run(vae_run), "previews.npz")


def put_raw(path: Path, name: str, value: str) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf'"{name}": [^,\n]*', f'"{name}": {value}', text), encoding="utf-8")


def flip_bit(path: Path, at: int, bit: int = 3) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(content)


@pytest.mark.parametrize("case", TEXTS)
def test_a_file_that_cannot_be(case: str, vae_run: Path) -> None:
    TEXTS[case](vae_run)
    name = case.split()[-1]
    refused(lambda: load_run(vae_run), name)
    assert name in vaekit.check(vae_run).damaged


def body(path: Path) -> int:
    """Where the tensors of a file begin."""
    return 8 + struct.unpack("<Q", path.read_bytes()[:8])[0]


@pytest.mark.parametrize("at", [0, 3, 1001])
def test_one_bit_of_the_weights(at: int, vae_run: Path) -> None:
    path = vae_run / "model.safetensors"
    flip_bit(path, body(path) + at)
    refused(lambda: vaekit.sample(vae_run, 1), "model.safetensors is damaged", "checksum")
    assert vaekit.check(vae_run).damaged == ("model.safetensors",)


def test_the_type_of_a_tensor_and_what_stands_beside_are_in_the_checksum(vae_run: Path) -> None:
    path = vae_run / "model.safetensors"
    whole = path.read_bytes()
    for before, after in ((b'"F32"', b'"I32"'), (b'\\"epoch\\": ', b'\\"epoch\\":0')):
        assert before in whole
        path.write_bytes(whole.replace(before, after, 1))
        refused(lambda: load_run(vae_run), "model.safetensors")


def older(path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """The file as an earlier version wrote it, without a checksum, and with something changed."""
    tensors, about = read_tensors(path)
    change(tensors)
    save_file(tensors, path, {"vaekit": json.dumps(about)})


def test_files_of_before_there_were_checksums_are_read(vae_run: Path) -> None:
    expected = vaekit.sample(vae_run, 3).images
    for path in (vae_run / "model.safetensors", *states(vae_run / "checkpoints")):
        older(path, lambda tensors: None)
    with np.load(vae_run / "previews.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != "checksum"}
    np.savez(vae_run / "previews.npz", **kept)
    assert torch.equal(vaekit.sample(vae_run, 3).images, expected)
    found = vaekit.check(vae_run)
    assert found.whole and found.files["model.safetensors"].startswith("whole as far as can be seen")
    assert vaekit.resume(vae_run, epochs=3, progress="none").summary is not None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(value: float, vae_run: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors["encoder.first.weight"][0, 0] = value

    older(vae_run / "model.safetensors", change)
    refused(lambda: load_run(vae_run), "model.safetensors", "encoder.first.weight", "not finite")


@pytest.mark.parametrize(
    ("name", "value"),
    [("settings.seed", 9), ("data.fingerprint", "0"), ("data.class_names", list("abcdefghij"))],
)
def test_a_config_that_was_changed_is_said(terminal, name: str, value: Any, vae_run: Path) -> None:
    """By hand, which may be meant, or by damage: a word, and no refusal."""
    assert vaekit.check(vae_run).whole
    text = (vae_run / "config.json").read_text(encoding="utf-8")
    (vae_run / "config.json").write_text(json.dumps(json.loads(text)), encoding="utf-8")
    load_run(vae_run)  # the same values in one line
    put(vae_run / "config.json", name, value)
    with pytest.warns(VaekitWarning, match=r"config\.json was changed since it was written"):
        load_run(vae_run)
    found = vaekit.check(vae_run)
    assert found.damaged == ("config.json",) and "was changed" in found.files["config.json"]
    outcome = terminal("sample", vae_run, "--count", 2, "--out", "s.npz")
    assert outcome.status == 0 and len(outcome.errors) == 1 and "config.json was changed" in outcome.err
    content = json.loads(text)
    del content["checksum"]  # as a run of before there were any
    (vae_run / "config.json").write_text(json.dumps(content), encoding="utf-8")
    assert load_run(vae_run) and vaekit.check(vae_run).whole


def test_weights_of_another_type(vae_run: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors["encoder.first.weight"] = tensors["encoder.first.weight"].int()

    older(vae_run / "model.safetensors", change)
    refused(lambda: load_run(vae_run), "model.safetensors", "int32")


def test_weights_far_too_large_to_embed_with(vae_run: Path) -> None:
    older(vae_run / "model.safetensors", lambda tensors: tensors["encoder.first.weight"].fill_(1e38))
    run = load_run(vae_run)
    refused(lambda: Material(run, None).about(), "not finite", "diverged")


# States ------------------------------------------------------------------------------------------


@pytest.fixture
def stopped(vae_run: Path, tmp_path: Path) -> Path:
    """A run that was interrupted, with two states."""
    told = iter([None] * 12 + ["SIGTERM"])
    options = {"latent_dim": 2, "width": 8, "device": "cpu", "checkpoint_seconds": 0.0, "steps": 16}
    history = vaekit.train(
        "vae", "digits", out=tmp_path / "stopped", should_stop=lambda: next(told), progress="none", **options
    )
    assert history.interrupted == "SIGTERM" and len(states(history.out / "checkpoints")) == 2
    return history.out


def finished(run: Path) -> tuple[bytes, bytes]:
    assert vaekit.resume(run, progress="none").summary is not None
    return (run / "model.safetensors").read_bytes(), (run / "metrics.jsonl").read_bytes()


HEADERS: dict[str, tuple[str, Any]] = {
    "epoch below 0": ("epoch", -5),
    "no step": ("step", None),
    "step of words": ("step", "x"),
    "seconds of words": ("seconds", "x"),
    "no best": ("best", None),
    "best of words": ("best", "x"),
    "no window": ("window", None),
    "no size": ("metrics_size", None),
    "a size of words": ("metrics_size", "ten"),
    "a size below 0": ("metrics_size", -1),
    "no model": ("model", None),
    "a size beyond the file": ("metrics_size", 10**15),
    "a size within a line": ("metrics_size", 10),
    "optimizers of words": ("optimizers", "x"),
}  # fmt: skip


def rewrite_state(path: Path, name: str, value: Any) -> None:
    """One item of a state is another, under a checksum of its own."""
    tensors, header = read_tensors(path)
    items = [[key, item] for key, item in header["state"]["items"] if key != name]
    write_tensors(path, tensors, {"state": {"items": items + ([] if value is None else [[name, value]])}})


def test_a_damaged_newest_state_gives_way_to_the_older_one(stopped: Path, tmp_path: Path) -> None:
    for number, (case, change) in enumerate(HEADERS.items()):
        run = Path(shutil.copytree(stopped, tmp_path / f"run{number}"))
        newest = states(run / "checkpoints")[-1]
        rewrite_state(newest, *change)
        if case.startswith(("a size beyond", "a size within", "optimizers")):
            refused(
                lambda run=run: vaekit.resume(run, progress="none"),
                "checkpoints" if "opt" in case else "metrics",
            )
            continue
        with pytest.warns(VaekitWarning, match=f"{newest.name}.*resuming from step-.*the state before it"):
            history = vaekit.resume(run, progress="none", should_stop=lambda: "enough")
        assert history.interrupted == "enough", case


@pytest.mark.parametrize("content", ["items of three", "no items", "a tensor that is not there", "a bit"])
def test_a_newest_state_of_another_form(content: str, stopped: Path, tmp_path: Path) -> None:
    alone = finished(Path(shutil.copytree(stopped, tmp_path / "alone")))
    newest = states(stopped / "checkpoints")[-1]
    tensors, _ = read_tensors(newest)
    forms: dict[str, Any] = {
        "items of three": {"items": [["step", 3, 4]]},
        "no items": {"items": 5},
        "a tensor that is not there": {"items": [["step", {"tensor": "none"}]]},
    }
    if content == "a bit":
        flip_bit(newest, body(newest) + 5003)
    else:
        write_tensors(newest, tensors, {"state": forms[content]})
    assert not vaekit.check(stopped).whole
    with pytest.warns(VaekitWarning, match="the state before it"):
        assert finished(stopped) == alone


def test_when_all_states_are_damaged_the_newest_is_named(stopped: Path) -> None:
    for path in states(stopped / "checkpoints"):
        flip_bit(path, body(path) + 7)
    refused(
        lambda: vaekit.resume(stopped, progress="none"), states(stopped / "checkpoints")[-1].name, "checksum"
    )


# Everything at random ----------------------------------------------------------------------------


def test_mutated_runs(vae_run: Path, tmp_path: Path) -> None:
    """The same 150 each time: the same samples and previews, or one line."""
    expected, previews = vaekit.sample(vae_run, 2).images, load_run(vae_run).previews.images
    rng, refusals = np.random.default_rng(5), []
    files = ["model.safetensors", "previews.npz", "summary.json", "metrics.jsonl", "config.json"]
    for _ in range(150):
        path = vae_run / files[rng.integers(len(files))]
        whole = path.read_bytes()
        changed = bytearray(whole)
        for at in rng.integers(0, len(whole), int(rng.integers(1, 4))):
            changed[at] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", VaekitWarning)
                run = load_run(vae_run)
                images = vaekit.sample(run, 2).images
                Material(run, None).about()
        except VaekitError as error:
            refusals.append(str(error))
        else:
            assert torch.equal(images, expected) or any(
                "config.json was changed" in str(one.message) for one in said
            )
            assert torch.equal(run.previews.images, previews)
        path.write_bytes(whole)
    assert len(refusals) > 50 and not any("\n" in line for line in refusals)


def test_no_pickle_runs(vae_run: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("unpickled",)

    np.savez(vae_run / "previews.npz", images=np.array([Evil()], dtype=object))
    with pytest.raises(RunError, match=r"previews\.npz cannot be read"):
        load_run(vae_run)
    assert load_file(vae_run / "model.safetensors")
