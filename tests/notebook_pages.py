"""The notebooks as pages of the site: their text and code, what their cells show, and the file to take along."""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path

from notebooks import NOTEBOOKS, SHOWN, read, text_of

HERE = """*[{name}]({name}) is this page as a notebook for Jupyter, VS Code or Colab. A test runs every cell; what stands under the
cells is of one run on a processor's core.*"""

INCH = 110  # pixels of the page, as figures have them in a notebook


def math(text: str) -> str:
    """Markdown whose `$...$` and `$$...$$` are MathML, which browsers draw without a script of another server."""
    from latex2mathml.converter import convert  # of the extra `docs`

    def drawn(found: re.Match[str]) -> str:
        block, inline = found.groups()
        markup = convert(block or inline, display="block" if block else "inline")
        return safe(re.sub(r"<mi>(log|max|min)</mi>(?!<mo)", r'<mi>\1</mi><mspace width="0.17em"/>', markup))

    return re.sub(r"\$\$(.+?)\$\$|\$(.+?)\$", drawn, text, flags=re.DOTALL)


def safe(markup: str) -> str:
    """Markup on one line in which Markdown finds nothing of its own."""
    return " ".join(markup.split()).replace("*", "&#42;").replace("_", "&#95;").replace("|", "&#124;")


def on_the_site(text: str) -> str:
    """Links to notebooks and to the pages of docs/, as the site has them."""
    text = re.sub(r"\]\((?:\.\./)?(notebooks/)?(\d_\w+)\.ipynb\)", r"](\1\2.md)", text)
    return text.replace("](../docs/", "](../").replace("](../README.md)", "](../index.md)")


def page(path: Path) -> str:
    """A notebook as Markdown."""
    lines = []
    for number, cell in enumerate(read(path)["cells"]):
        if cell["cell_type"] == "markdown":
            lines.append(math(on_the_site(text_of(cell))))
            if number == 0:
                lines.append(HERE.format(name=path.name))
            continue
        lines.append(f"```python\n{text_of(cell)}\n```")
        for file in sorted(SHOWN.glob(f"{path.stem}_{number:02}.*"), key=lambda file: file.suffix == ".png"):
            lines.append(shown_on_page(file))
    return "\n\n".join(lines) + "\n"


def shown_on_page(file: Path) -> str:
    """What a cell showed."""
    if file.suffix == ".png":
        from PIL import Image

        with Image.open(file) as picture:
            width = round(INCH * picture.width / picture.info["dpi"][0])
        return f'![What the cell shows](../figures/notebooks/{file.name}){{ width="{width}" }}'
    text = file.read_text(encoding="utf-8")
    return safe(text) if file.suffix == ".html" else f"<pre><code>{escape(text.rstrip())}</code></pre>"


def write_notebooks(out: Path) -> None:
    """Puts a page and the file of each notebook into a folder of the site, to which README and lesson lead."""
    (out / "notebooks").mkdir()
    for path in NOTEBOOKS:
        (out / "notebooks" / f"{path.stem}.md").write_text(page(path), encoding="utf-8")
        shutil.copy(path, out / "notebooks")
    for name in ("index.md", "lesson.md"):
        text = (out / name).read_text(encoding="utf-8")
        (out / name).write_text(on_the_site(text), encoding="utf-8")
