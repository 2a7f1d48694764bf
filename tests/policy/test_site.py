"""The site: every page is in its navigation, and it is built without a warning and asks nothing of other servers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import vaekit
from notebooks import NOTEBOOKS
from reference_page import PAGES, names_of, write

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "zensical.toml"


def pages_in(nav: Any) -> list[str]:
    """Files in a navigation, depth first."""
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav if isinstance(nav, list) else nav.values()) for page in pages_in(part)]


def test_every_page_is_in_the_navigation() -> None:
    listed = pages_in(tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]["nav"])
    there = {path.name for path in (ROOT / "docs").glob("*.md")} | {f"reference/{page}.md" for page in PAGES}
    there |= {f"notebooks/{path.stem}.md" for path in NOTEBOOKS}
    assert sorted(listed) == sorted(there | {"index.md"})


def test_every_public_name_is_on_one_page_of_the_reference() -> None:
    assert sorted(name for page in PAGES for name in names_of(page)) == sorted(vaekit.PUBLIC)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("zensical") is None or find_spec("latex2mathml") is None:
        pytest.skip("zensical or latex2mathml is not installed: pip install -c constraints.txt -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    write(folder / "build" / "docs")
    shutil.copy(CONFIG, folder)
    words = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build" / "site"


def test_it_is_built(site: Path) -> None:
    text = (site / "reference" / "training.html").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]+>", "", text)
    assert 'id="fit"' in text and "vaekit.fit(model, vaekit.ELBO(), data" in shown
    assert "learning_rate: peak learning rate" in " ".join(
        shown.split()
    )  # an option, known when it runs only


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loads = r"<(?:script|img|iframe)\b[^>]*\bsrc=\"(?:https?:)?//[^\"]+\"|<link\b[^>]*rel=\"(?:stylesheet|preload)\"[^>]*href=\"https?://"
    for page in site.rglob("*.html"):
        assert not re.findall(loads, page.read_text(encoding="utf-8")), page.name
