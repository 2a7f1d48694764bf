"""The commands and the Python of the README run as they stand there; pictures and recipes of all pages are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
DOCS = README.parent / "docs"
BLOCK = re.compile(r"<!-- runs -->\n```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    return [(m["language"], m["code"]) for m in BLOCK.finditer(page.read_text(encoding="utf-8"))]


@pytest.mark.timeout(900)  # two trainings of 600 steps, which take minutes where the machine is busy
def test_blocks_run_one_after_another(terminal) -> None:
    """In one folder: later blocks use the runs of earlier ones."""
    ran = []
    for language, code in blocks(README):
        if language == "python":
            exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
            ran.append("python")
            continue
        for line in code.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                assert words[0] == "vaekit", f"mark only blocks of vaekit commands: {line}"
                outcome = terminal(*words[1:])
                assert outcome.status == 0, f"{line}\n{outcome.err}"
                ran.append(words[1])
    assert {"python", "train", "figures", "sample", "reconstruct", "encode", "data"} <= set(ran)


def test_pictures_of_the_pages_are_there() -> None:
    for page in (README, *DOCS.glob("*.md")):
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / picture).is_file(), f"{page.name}: {picture}"


def test_recipes_of_the_pages_are_there() -> None:
    for page in (README, *DOCS.glob("*.md")):
        for recipe in re.findall(r"recipes/[\w.]+", page.read_text(encoding="utf-8")):
            assert (README.parent / recipe.rstrip(".")).is_file(), f"{page.name}: {recipe}"


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_make_targets_of_the_readme_exist(command: str) -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    assert command in README.read_text(encoding="utf-8")
    assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE)
