"""Plain words in sources, pages and documentation: "per" for a unit, "conditioned on" for labels, a verb for a docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import vaekit

ROOT = Path(__file__).parents[2]
SOURCE = Path(vaekit.__file__).parent
TEXTS = (".py", ".js", ".ts", ".html", ".md", ".json")
ROOMS = (SOURCE, ROOT / "docs", ROOT / "benchmarks", ROOT / "recipes")

COUNTED = (
    "nats|bits|bytes|images?|rows?|lines?|pixels|values?|numbers?|steps|updates|samples?|seconds|codes|ms|µs"
)
UNITS = "image|class|batch|value|step|pixel|dimension|code|epoch|side|second|sub-run|sample|run|channel|row|column|grid"
FORBIDDEN = {
    "per, not a": rf"(?<![`\w])(?:{COUNTED})\s+an?\s+(?:{UNITS})(?=[\s.,;:)|\"'`]|$)",
    "one row per class": r"\b[Aa] (?:row|line|column) an? (?:\w+)(?=[\s.,;:)]|$)",
    "conditioned on, not told": r"\b(?:is|are|was|were|be|been|not|never|images?) told\b|\b[Tt]old the class\b",
    "resumed": r"\bg(?:o|oes|one|oing) on with\b|\btaken up again\b",
    "skipped": r"\bpassed over\b",
    "effective number of": r"\b[Ss]o many (?:codes|rows|images)\b",
}
ALLOWED = (  # English, where "a" is no unit: the text around the match
    "values a pixel can have",
    "8-bit pixels a run with",
    "samples a class",  # that a classifier reads
    "how many numbers a code",
    "which images a run",
    "what images a model",
)
OPENINGS = re.compile(r"(?:What|How|Whether|Which|Where|When|Who|Whose|Why)\b")


def texts() -> Iterator[Path]:
    yield from (ROOT / "README.md", ROOT / "CHANGELOG.md")
    for room in ROOMS:
        yield from (path for path in sorted(room.rglob("*")) if path.suffix in TEXTS)


def faults(text: str) -> list[str]:
    """Line number and words of every forbidden pattern."""
    found = []
    for rule, pattern in FORBIDDEN.items():
        for match in re.finditer(pattern, text, re.MULTILINE | re.IGNORECASE):
            around = " ".join(text[max(match.start() - 40, 0) : match.end() + 40].split())
            if not any(allowed in around for allowed in ALLOWED):
                found.append(f"line {text.count(chr(10), 0, match.start()) + 1}, {rule}: {match[0]!r}")
    return found


@pytest.mark.parametrize("path", list(texts()), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_plain_words(path: Path) -> None:
    assert not faults(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_docstrings_begin_with_a_verb_or_a_noun(path: Path) -> None:
    """Not with a question word: "Returns whether ...", not "Whether ..."."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)
    ]
    texts = [ast.get_docstring(node) or "" for node in nodes]
    assert not [text.splitlines()[0] for text in texts if OPENINGS.match(text)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("nats an image", 1),
        ("bits a\n    dimension,", 1),
        ("one row per class, in nats per image", 0),
        ("a row a class", 2),
        ("networks that are told the label", 1),
        ("the interrupted run is gone on with", 1),
        ("3 files passed over", 1),
        ("the values a pixel can have", 0),
        ("images a classifier reads", 0),
    ],
)
def test_faults_are_found(text: str, count: int) -> None:
    assert len(faults(text)) == count
