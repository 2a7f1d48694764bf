"""Every cell of every notebook of the lesson runs in a kernel, says nothing on standard error, and shows what the site shows."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from notebooks import NOTEBOOKS, ROOT, SHOWN, executed, outputs, read, shown, stripped, text_of

LONG = 26  # lines of a cell that is still read at a glance


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("nbclient") is None or find_spec("ipykernel") is None:
        pytest.skip("no kernel: pip install -c constraints.txt -e '.[test]'")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))  # no profile of whoever runs this
    done = executed(path, tmp_path)
    assert not [out["text"] for _, out in outputs(done) if out.get("name") == "stderr"]  # no warning, no bar
    made = {f"{path.stem}_{n:02}.{form[0]}" for n, out in outputs(done) if (form := shown(out))}
    assert made == {file.name for file in SHOWN.glob(f"{path.stem}_*")}, "python tests/notebooks.py show"
    assert any(name.endswith(".png") for name in made)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == stripped(read(path)), "python tests/notebooks.py strip"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_begins_with_what_a_reader_needs(path: Path) -> None:
    """A title with an equation, then how to install, and the imports; cells are short."""
    first, second, *rest = read(path)["cells"]
    assert text_of(first).startswith(f"# {path.stem[0]} · ") and "$$" in text_of(first)
    assert text_of(second).startswith("# %pip install") and "\nimport vaekit\n" in text_of(second)
    assert all(len(cell["source"]) <= LONG for cell in (first, second, *rest))


def test_links_lead_somewhere() -> None:
    """From one notebook to the next, and to the pages; README and lesson lead to each of them."""
    for path in NOTEBOOKS:
        text = "".join(text_of(cell) for cell in read(path)["cells"] if cell["cell_type"] == "markdown")
        for link in re.findall(r"\]\(([^)#]+)", text):
            assert (path.parent / link).is_file(), f"{path.name}: {link}"
    lesson = (ROOT / "docs" / "lesson.md").read_text(encoding="utf-8")
    assert not [path.name for path in NOTEBOOKS if f"](../notebooks/{path.name})" not in lesson]
    assert "](notebooks/" in (ROOT / "README.md").read_text(encoding="utf-8")
