"""The notebooks of the lesson: run in kernels of their own, kept without outputs, and what they show kept for the site.

`python tests/notebooks.py strip` takes outputs away after an edit in Jupyter; `python tests/notebooks.py show` (NAME, or all) runs
every cell and writes what it shows into docs/figures/notebooks, from where `tests/notebook_pages.py` takes it.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHOWN = ROOT / "docs" / "figures" / "notebooks"
COLOURS = 64  # of a kept picture: a third of its bytes, and no difference to the eye

Notebook = dict[str, Any]


def read(path: Path) -> Notebook:
    return json.loads(path.read_text(encoding="utf-8"))


def text_of(cell: dict[str, Any]) -> str:
    """The source of a cell."""
    return "".join(cell["source"])


def stripped(notebook: Notebook) -> str:
    """A notebook as it is kept: no outputs, no counts, no traces of the program in which it was edited."""
    kept = []
    for number, cell in enumerate(notebook["cells"]):
        clean = {"cell_type": cell["cell_type"], "id": f"cell-{number:02}", "metadata": {}}
        if cell["cell_type"] == "code":
            clean |= {"execution_count": None, "outputs": []}
        kept.append(clean | {"source": text_of(cell).splitlines(keepends=True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": kept, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def executed(path: Path, folder: Path) -> Notebook:
    """A notebook after all of its cells have run, from the first to the last, in a fresh kernel in a folder.

    Raises:
        CellExecutionError: a cell failed.
    """
    import nbformat  # with nbclient and ipykernel, of the extra `test`
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=240, startup_timeout=240, kernel_name="python3", resources=place
    )
    return client.execute()


def outputs(notebook: Notebook) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number of a cell and one of its outputs, in order."""
    for number, cell in enumerate(notebook["cells"]):
        yield from ((number, output) for output in cell.get("outputs", []))


def shown(output: dict[str, Any]) -> tuple[str, str] | None:
    """The richest form of an output: png (base64), html or txt, and its content; None of a line of progress."""
    if output["output_type"] == "stream":
        return "txt", "".join(output["text"])
    data = output.get("data", {})
    for kind, name in (("image/png", "png"), ("text/html", "html")):
        if kind in data:
            return name, "".join(data[kind])
    if output["output_type"] == "execute_result":
        return "txt", "".join(data["text/plain"]) + "\n"
    return None


def smaller(png: bytes) -> bytes:
    """A picture in few colours."""
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.open(io.BytesIO(png))
    dots = picture.info.get("dpi", (100, 100))  # per inch: how large it is meant to be shown
    picture.convert("RGB").quantize(COLOURS).save(buffer, "png", optimize=True, dpi=dots)
    return buffer.getvalue()


def keep_shown(path: Path) -> None:
    """Runs a notebook and writes what its cells show: NAME_CELL.png, .html or .txt."""
    with tempfile.TemporaryDirectory() as folder:
        done = executed(path, Path(folder))
    for old in SHOWN.glob(f"{path.stem}_*"):
        old.unlink()
    for number, output in outputs(done):
        if (form := shown(output)) is None:
            continue
        kind, content = form
        file = SHOWN / f"{path.stem}_{number:02}.{kind}"
        if kind == "png":
            file.write_bytes(smaller(base64.b64decode(content)))
        else:  # what is printed may come in several pieces
            before = file.read_text(encoding="utf-8") if file.exists() else ""
            file.write_text(before + content, encoding="utf-8")


if __name__ == "__main__":
    words = sys.argv[1:]
    chosen = [path for path in NOTEBOOKS if not words[1:] or path.stem in words[1:]]
    if words[:1] == ["strip"]:
        for one in chosen:
            one.write_text(stripped(read(one)), encoding="utf-8")
    elif words[:1] == ["show"]:
        SHOWN.mkdir(exist_ok=True)
        for one in chosen:
            keep_shown(one)
    else:
        sys.exit("python tests/notebooks.py strip|show [NAME ...]")
