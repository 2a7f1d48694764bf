"""Pages of one file: the frame that all have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

IMAGE_BYTES = 3_600_000  # of all figures together, so that the page stays below 5 MB in base64


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page with the common style: a heading, and parts in HTML, empty ones left out."""
    style = files("vaekit.reports").joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)} · vaekit</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def typeset(text: str) -> str:
    """A text of numbers with true minus signs."""
    return re.sub(r"(?<![\w.–-])-(?=[\d.])", "−", text)


def scrolling(table: str, label: str, kind: str = "") -> str:
    """A table that scrolls by itself where it is wider than the page, by the keyboard too.

    Args:
        table: HTML.
        label: what it is, for who hears the page.
        kind: "tall" where its head is to stay in sight.
    """
    return f'<div class="scroll {kind}" role="region" aria-label="{escape(label)}" tabindex="0">{table}</div>'


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Leaves of nested dicts, with keys joined by dots."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
