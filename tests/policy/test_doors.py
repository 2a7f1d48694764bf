"""Files of others are opened in few places: those that bound what a file may take, and say in one line what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vaekit

SOURCE = Path(vaekit.__file__).parent

# What opens or parses -> the files that may: each within `foreign`, or of what this package itself brings.
DOORS = {
    r"\bImage\.open\(": ("images/opening.py", "images/png.py"),
    r"\bnp\.load\(": ("data/cache.py", "testing/command_checks.py"),
    r"\bimport pickle\b|\bpickle\.\w+\(|\btorch\.load\b": (),
    r"\bload_safetensors\(|\bsafe_open\(": ("runs/files.py",),
    r"(?:PID|getpid).*\.tmp": (),
}


@pytest.mark.parametrize("words", DOORS)
def test_nothing_is_opened_elsewhere(words: str) -> None:
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(
            re.search(words, line.partition("#")[0]) for line in path.read_text(encoding="utf-8").splitlines()
        )
    }
    allowed = set(DOORS[words])
    assert found <= allowed, f"{found - allowed}: open it by the functions of {allowed or 'runs/files.py'}"


def test_no_list_of_what_a_parser_may_raise() -> None:
    """Such lists were never complete; `vaekit.core.foreign` takes whatever comes."""
    named = re.compile(r"except \(.*\b(?:BadZipFile|SafetensorError|JSONDecodeError|zlib\.error)\b")
    found = [path.name for path in SOURCE.rglob("*.py") if named.search(path.read_text(encoding="utf-8"))]
    assert not found, found
