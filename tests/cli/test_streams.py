"""What reaches a terminal, and what happens where nobody reads: names hold anything, streams are closed, readers leave."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit import DataError, VaekitWarning
from vaekit.core import printable, warn_of

Image = pytest.importorskip("PIL.Image")

EVIL = "a\x1b[31mred\x1b]0;pwn\x07\u202egnp\x9b2J\r"  # colours, a title, a bell, a turned line, an old escape
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1bb", r"a\x1bb"),
        ("two\nlines", r"two\nlines"),
        ("\x7f\x9b\u202e\u2028", r"\x7f\x9b\u202e\u2028"),
        ("\udc9b[2J", r"\x9b[2J"),
        ("\ud800", r"\ud800"),
        ("Übergröße – 数 🙂", "Übergröße – 数 🙂"),
        ("".join(map(chr, "é".encode().hex().encode())), "c3a9"),
        ("\udcc3\udca9", "é"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_every_control_character_of_unicode() -> None:
    import unicodedata

    for number in range(0x110000):
        character = chr(number)
        if unicodedata.category(character) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(character) in (
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
        ):  # fmt: skip
            assert character not in printable(character), hex(number)


def test_errors_and_warnings_of_the_library_too() -> None:
    assert str(DataError(f"{EVIL}: bad")) == printable(f"{EVIL}: bad")
    with pytest.warns(VaekitWarning) as caught:
        warn_of([EVIL])
    assert not OBEYED.search(str(caught[0].message))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes whose folders and files are named by an enemy."""
    rng = np.random.default_rng(0)
    for label in (EVIL, "b\nnote           all is well"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(30):
            pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}\x1b[2J\n.png")
    (tmp_path / "photos" / EVIL / "x\x1bc.png").write_bytes(b"none")
    return tmp_path / "photos"


def clean(outcome) -> None:
    assert outcome.status == 0, outcome.err
    for text in (outcome.out, outcome.err):
        assert not OBEYED.search(text), repr(text)


def test_names_in_tables_lines_notes_and_errors(terminal, photos: Path) -> None:
    described = terminal("data", photos)
    clean(described)
    assert not any(line.startswith("note           all is well") for line in described.out.splitlines())
    assert r"a\x1b[31mred" in described.out
    run = f"r\x1b[1m{EVIL}"
    options = ["--latent-dim", 2, "--width", 8, "--epochs", 1, "--device", "cpu", "--network", "mlp"]
    clean(terminal("train", "cvae", "--data", photos, "--out", run, *options))
    scored = terminal("score", run, "--data", photos, "--out", "s\x1b[0m.csv")
    clean(scored)
    assert len(scored.out.splitlines()) == 5 and r"\x1b[2J\n.png" in scored.out
    for words in (
        ["sample", run], ["sample", run, "--label", EVIL, "--out", "l.png"], ["reconstruct", run], ["encode", run],
        ["check", run], ["evaluate", run, "--samples", 2, "--images", 9, "--skip-quality"],
    ):  # fmt: skip
        clean(terminal(*words))
    for words in (
        ["sample", run, "--label", "\x1b[2J"],
        ["data", "no\x1b[2J"],
        ["sample", "no\x07run"],
        ["tra\x1bin"],
    ):
        outcome = terminal(*words)
        assert outcome.status == 2 and len(outcome.errors) == 1 and not OBEYED.search(outcome.err)
    assert json.loads(terminal("data", photos, "--json").out)["classes"]


def test_lines_and_bars_of_progress(capsys: pytest.CaptureFixture[str]) -> None:
    from vaekit.runtime.screens import Lines

    Lines().keep(f"evaluating {EVIL}")
    assert not OBEYED.search(capsys.readouterr().err)


# Streams -----------------------------------------------------------------------------------------

STREAMS = {  # how a command is started -> statuses of one that succeeds
    ">&-": (0,),
    "2>&-": (0,),
    "<&-": (0,),
    "<&- >&- 2>&-": (0,),
    "| true": (0, 1),
    "2>&1 | true": (0, 1),
    ">/dev/full": (2,),
    "2>/dev/full": (0,),
}
STARTS = [(case, "--help") for case in STREAMS]  # before torch is loaded, which takes its time to end
STARTS += [(case, "data digits") for case in (">&-", "| true", ">/dev/full")]
STARTS += [(case, "data none") for case in ("2>&-", "2>&1 | true", "2>/dev/full")]


@pytest.mark.skipif(sys.platform != "linux", reason="the shell's words, and /dev/full")
def test_closed_streams_and_readers_that_have_left(tmp_path: Path) -> None:
    """One process that forks for each, since loading takes most of the time."""
    program = f"""
import os, sys
import vaekit.cli.main
vaekit.cli.main.main(["--version"])
for case, words in {STARTS!r}:
    child = os.fork()
    if child == 0:
        pieces = case.split()
        if "|" in pieces:
            out, into = os.pipe()
            os.close(out)
            os.dup2(into, 1)
        if "2>&1" in pieces:
            os.dup2(1, 2)
        for word, number in ((">/dev/full", 1), ("2>/dev/full", 2)):
            if word in pieces:
                os.dup2(os.open("/dev/full", os.O_WRONLY), number)
        for word, number, name in (("<&-", 0, "stdin"), (">&-", 1, "stdout"), ("2>&-", 2, "stderr")):
            if word in pieces:
                os.close(number)
                setattr(sys, name, None)
        sys.exit(vaekit.cli.main.main(words.split()))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("STATUS", repr(case), repr(words), status, file=sys.stderr, flush=True)
    if words == "--help" and case == "2>/dev/full":
        vaekit.cli.main.main(["data", "digits", "--json"])
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr, done.stderr
    found = re.findall(r"STATUS '(.*)' '(.*)' (-?\d+)", done.stderr)
    assert len(found) == len(STARTS), done.stderr
    for case, words, status in found:
        allowed = (2,) if words == "data none" else STREAMS[case]
        assert int(status) in allowed, (case, words, status, done.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a shell")
def test_a_closed_output_of_a_real_process(tmp_path: Path) -> None:
    command = f"{sys.executable} -m vaekit data digits >&-"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("words", [["--out", ""], ["--out="], ["--out", "  "], ["--device", ""]])
def test_an_empty_value_is_not_as_good_as_none(terminal, vae_run: Path, words: list[str]) -> None:
    before = sorted(Path().rglob("*"))
    for command in ("sample", "encode", "export", "figures"):
        outcome = terminal(
            command, vae_run, *(words if command != "export" or "out" in words[0] else ["--out", ""])
        )
        assert outcome.status == 2 and "there is nothing in its value" in outcome.err
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_too_little_memory_is_one_line(terminal, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(**options: object) -> None:
        raise error

    monkeypatch.setattr(vaekit, "describe", fail, raising=False)
    outcome = terminal("data", "digits")
    assert outcome.status == 1 and len(outcome.errors) == 1 and "not enough memory" in outcome.err
