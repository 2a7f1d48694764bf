"""What README and docs name is there: `vaekit.x.y` can be imported, files exist, and every page is in the README's table."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import vaekit

ROOT = Path(__file__).parents[2]
SOURCE = Path(vaekit.__file__).parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LOG = ROOT / "docs" / "log.md"  # says what was called so at its time
MADE_UP = {"vaekit.models.mine"}  # of a reader's own
PLACES = (ROOT, SOURCE, SOURCE / "explorer" / "page")


def resolves(name: str) -> bool:
    """Returns whether a dotted name is a module, or can be reached from one by attributes."""
    found, path = vaekit, "vaekit"
    for part in name.split(".")[1:]:
        path += f".{part}"
        if not hasattr(found, part):
            try:
                importlib.import_module(path)
            except ImportError:
                return False
        found = getattr(found, part)
    return True


@pytest.mark.parametrize("page", [p for p in PAGES if p != LOG], ids=lambda page: page.name)
def test_names_can_be_imported(page: Path) -> None:
    names = set(re.findall(r"(?<![\w/])vaekit(?:\.\w+)+", page.read_text(encoding="utf-8"))) - MADE_UP
    assert not [name for name in sorted(names) if not resolves(name)]


@pytest.mark.parametrize("page", [p for p in PAGES if p != LOG], ids=lambda page: page.name)
def test_files_are_there(page: Path) -> None:
    """Sources by their path in the repository or in the package, modules of the page by their name."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.(?:py|js|ts))`", text))
    named |= set(re.findall(r"\b((?:benchmarks|tests|recipes)/[\w/]+(?:\.\w+)?)", text))
    assert not [name for name in sorted(named) if not any((place / name).exists() for place in PLACES)]


def test_every_page_is_in_the_table_of_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/(\w+\.md)\)", PAGES[0].read_text(encoding="utf-8")))
    assert linked == {page.name for page in PAGES[1:]}


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"


def test_a_name_that_is_gone_is_found() -> None:
    assert (
        resolves("vaekit.metrics.METRICS")
        and resolves("vaekit.fit")
        and resolves("vaekit.runs.load.Run.under")
    )
    assert not resolves("vaekit.settings.FitSettings") and not resolves("vaekit.nothing")
