"""The pages of the site: docs/, the README as its first page, the notebooks, and the API reference from the docstrings of
`vaekit.PUBLIC`.

`python tests/reference_page.py build/docs` writes what zensical.toml builds the site from. The reference is made from the
living objects, since options become arguments, and are explained, only when a module is imported.
"""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import vaekit
from notebook_pages import write_notebooks

ROOT = Path(__file__).parents[1]
SECTIONS = ("Args", "Attributes", "Options", "Returns", "Raises", "Example")
PAGES = {  # page -> title, and the rooms of the names on it
    "data": ("Data", ("data",)),
    "models": ("Models", ("models",)),
    "parts": ("Parts: likelihoods, networks, quantisers, optimisers, schedules", ("config",)),
    "objectives": ("Objectives", ("objectives",)),
    "training": ("Training", ("training", "demonstration")),
    "runs": ("Runs, files, hub", ("runs", "hub")),
    "evaluation": ("Evaluation", ("evaluation",)),
    "comparison": ("Comparison and reproduction", ("comparison", "reproduction")),
    "coding": ("Compression", ("coding",)),
    "pictures": ("Figures, explorer, export", ("plots", "explorer")),
    "errors": ("Errors and warnings", ("core",)),
}
NAMESPACE = """In the examples `data` is `vaekit.load_data("digits")`, `images` are eight of its test images, `run` is a VAE of three
latents that was trained on them, in the folder runs/first, and `model` is `run.model`. They are run as tests."""


# fmt: off
INNER = {  # methods that only vaekit calls, or those who extend it
    "of", "flags", "parts", "names", "flat", "those_of", "build", "graph", "standard", "take_units",
    "per_standard_unit", "in_units", "chosen_labels", "prepare", "prepare_from", "shown_rows",
    "latents_for_prior", "latents_of_prior", "options_of_prior", "sampled_classes", "picture", "condition",
    "train", "encoded", "facts", "thumbnails", "key_figures", "measured_under", "under", "form",
    "model_class", "objective_class", "load",
}
# fmt: on


class Entry(NamedTuple):
    """A named line of a section: `samples: K of the bound.`"""

    names: tuple[str, ...]
    text: str


def sections(doc: str | None) -> dict[str, str]:
    """Section -> its text without indentation; the prose before them under ""."""
    pattern = rf"^({'|'.join(SECTIONS)}):[ \t]*\n((?:[ \t]+.*\n|\n)*)"
    text = inspect.cleandoc(doc or "") + "\n"
    found = {name: inspect.cleandoc("\n" + body) for name, body in re.findall(pattern, text, re.MULTILINE)}
    return {"": re.sub(pattern, "", text, flags=re.MULTILINE).strip(), **found}


def entries(section: str) -> list[Entry]:
    """The named lines of a section, each with what is indented under it."""
    found = re.findall(r"^([\w*][\w*, ]*):\s*((?:.*\n?)(?:[ \t]+.*\n?)*)", section, re.MULTILINE)
    return [Entry(tuple(re.findall(r"\w+", names)), " ".join(str(text).split())) for names, text in found]


def explained(thing: Any) -> dict[str, str]:
    """Sections of a function, or of a class: its own, else those of its constructor and of what it is derived from."""
    if not inspect.isclass(thing):
        return sections(thing.__doc__)
    found = sections(thing.__doc__)
    for base in thing.__mro__:
        if base.__module__.startswith("vaekit"):
            constructor = vars(base).get("__init__")
            for doc in (base.__doc__, getattr(constructor, "__doc__", None)):
                found = {**sections(doc), **found}
    return found


def methods(kind: type) -> dict[str, Any]:
    """Functions behind the public methods and properties of a class, those of its bases in vaekit included.

    A method without a docstring has that of the one that it takes the place of. What only vaekit calls is left out.
    """
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        for name, value in vars(base).items() if base.__module__.startswith("vaekit") else ():
            held = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if inspect.isfunction(held) and not name.startswith("_") and name not in INNER:
                there = found.setdefault(name, value)
                if there is not value and not doc_of(there):
                    found[name] = value
    return found


def doc_of(member: Any) -> str | None:
    return getattr(member, "__func__", member).__doc__


def signature(name: str, thing: Any) -> str:
    """`name(argument: type = default, ...) -> type`, one argument per line where it is long."""
    try:
        given = inspect.signature(thing)
    except ValueError:  # an exception without a constructor of its own
        return name
    shown, stars = [], 0
    for part in given.parameters.values():
        if part.name in ("self", "cls"):
            continue
        if part.kind is part.KEYWORD_ONLY and not stars:
            shown.append("*")
        stars += part.kind in (part.KEYWORD_ONLY, part.VAR_POSITIONAL)
        default = "..." if repr(part.default).startswith("<") else repr(part.default)
        kind = (
            part.annotation if isinstance(part.annotation, str) else inspect.formatannotation(part.annotation)
        )
        mark = {part.VAR_POSITIONAL: "*", part.VAR_KEYWORD: "**"}.get(part.kind, "")
        given_default = "" if part.default is part.empty else f" = {default}"
        shown.append(
            mark + part.name + (f": {kind}" if part.annotation is not part.empty else "") + given_default
        )
    returned = given.return_annotation
    returned = returned if isinstance(returned, str) else inspect.formatannotation(returned)
    end = (
        ""
        if inspect.isclass(thing) or given.return_annotation is given.empty
        else f" -> {returned.strip(chr(39))}"
    )
    line = f"{name}({', '.join(shown)}){end}"
    return line if len(line) < 90 else f"{name}(\n" + "".join(f"    {part},\n" for part in shown) + f"){end}"


def plain(text: str) -> str:
    """Prose as Markdown: what stands outside of backticks is meant literally."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part[:1] == "`" else re.sub(r"([*_<|])", r"\\\1", part) for part in parts)


def block(thing: Any, name: str) -> str:
    """The entry of one function, class or method, without its heading."""
    found = explained(thing)
    lines = [f"```python\n{signature(name, thing)}\n```", plain(found.get("", ""))]
    for title in SECTIONS:
        if title not in found:
            continue
        listed = entries(found[title]) if title not in ("Returns", "Example") else []
        body = "\n".join(f"- `{', '.join(entry.names)}`: {plain(entry.text)}" for entry in listed)
        text = f"```pycon\n{found[title]}\n```" if title == "Example" else body or plain(found[title])
        lines.append(f"**{title}**\n\n{text}")
    return "\n\n".join(line for line in lines if line)


def chapter(name: str) -> str:
    """The entry of a public name: with its methods, of a module or a table with what is in it."""
    thing = getattr(vaekit, name)
    head = f"## {name}\n\n"
    if isinstance(thing, dict):
        return head + "\n".join(f"- `{key}`: {plain(str(value.summary))}" for key, value in thing.items())
    if inspect.ismodule(thing):
        drawn = {key: getattr(thing, key) for key in thing.__all__ if callable(getattr(thing, key))}
        lines = [
            f"- `{key}`: {plain(inspect.getdoc(value) or '').splitlines()[0]}" for key, value in drawn.items()
        ]
        return f"{head}{plain(thing.__doc__ or '').strip()}\n\n" + "\n".join(lines)
    parts = [head + block(thing, name)]
    for key, value in methods(thing).items() if inspect.isclass(thing) else ():
        if isinstance(value, property):
            parts.append(f"### {name}.{key}\n\n{plain(sections(value.__doc__)['']) or 'A property.'}")
        else:
            parts.append(f"### {name}.{key}\n\n{block(getattr(value, '__func__', value), key)}")
    return "\n\n".join(parts)


def names_of(page: str) -> list[str]:
    """Public names on a page of the reference."""
    return [name for name, place in vaekit.PUBLIC.items() if re.split(r"[.:]", place)[1] in PAGES[page][1]]


def write(out: Path) -> None:
    """Puts the pages of docs/, the first page and the reference into a folder, in the place of what was there."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(ROOT / "docs", out)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (out / "index.md").write_text(re.sub(r"\]\(docs/", "](", readme), encoding="utf-8")
    (out / "reference").mkdir()
    for page, (title, _) in PAGES.items():
        text = "\n\n".join([f"# {title}", plain(NAMESPACE), *map(chapter, names_of(page))])
        (out / "reference" / f"{page}.md").write_text(text + "\n", encoding="utf-8")
    write_notebooks(out)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
