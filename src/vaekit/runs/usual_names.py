"""Names of the files that a run is kept in, and of what is made of it where nobody names a file.

Of results there is one name for one request, so that no other replaces it. A request of defaults has the plain name,
scores.csv. Whatever is asked otherwise is in the name, samples-seed-1.png; where words do not say it exactly, as those
of a path, a hash of the request ends it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

CONFIG, SUMMARY, METRICS, PREVIEWS = "config.json", "summary.json", "metrics.jsonl", "previews.npz"
WEIGHTS, REPORT = "model.safetensors", "report.html"
OWN = (CONFIG, SUMMARY, METRICS, PREVIEWS, WEIGHTS, REPORT)

LONGEST = 60  # characters of the words
DRAWN = (".png", ".csv", ".npz")  # what a run draws, by what its examples are

# Stem of each result, and its endings.
RESULTS: dict[str, tuple[str, ...]] = {
    "codes": (".npz",),
    "scores": (".csv", ".png"),
    "neighbours": (".png",),
    "duplicates": (".csv",),
    "samples": DRAWN,
    "reconstructions": DRAWN,
    "interpolation": DRAWN,
    "compressed": (".vk", ".vk.unfinished"),
    "evaluation": (".json",),
}
SOURCES = ("data", "images", "image", "first", "last", "against")  # arguments that name examples
PLAIN = ("data", "images", "image", "first", "last", "split")  # arguments that need no word of their own
# Arguments that are a word of a name: all that change a result, as they are in it.
ARGUMENTS = (
    "against", "by", "count", "ellipses", "grid", "label", "linear", "lossy", "odd", "part", "precision", "quantile",
    "redraw-as", "samples", "scores", "seed", "share", "steps", "temperature", "trade", "way", "with-model",
)  # fmt: skip
SPLITS = ("train", "validation", "test", "all")
EXACT = re.compile(r"[a-z0-9._]+")


def usual_name(stem: str, asked: Mapping[str, object], named: frozenset[str] | set[str]) -> str:
    """The name, without its ending, of a result.

    Args:
        stem: of the result: "scores".
        asked: what was asked otherwise than by default: argument -> value, in order.
        named: data sets that have a name; any other source is a path.
    """
    words, whole, exact = [stem], {}, True
    for argument, value in asked.items():
        values = value if isinstance(value, list | tuple) else [value]
        source = argument in SOURCES
        told = [_said(one, source and one not in named) for one in values]
        plain = values[0] in named if source else value is True or bool(EXACT.fullmatch(str(values[0])))
        exact &= plain and len(told) == 1
        head = [] if argument in PLAIN else [argument.replace("_", "-")]
        words += [*head, *([] if value is True else told)]
        whole[argument] = [
            os.path.abspath(str(one)) if source and one not in named else one for one in values
        ]
    text = "-".join(words)
    if exact and len(text) <= LONGEST:
        return text
    digest = hashlib.blake2b(json.dumps(whole, default=str).encode("utf-8", "surrogatepass"), digest_size=4)
    return f"{text[:LONGEST].rstrip('-.')}-{digest.hexdigest()}"


def _said(value: object, path: bool) -> str:
    """A value in characters that any file system takes, in lower case: some hold A and a for the same."""
    text = (Path(str(value)).stem if path else str(value)).lower()
    return re.sub(r"[^\w.]+", "-", text).strip("-.") or "other"


def is_usual(name: str, stem: str, named: Collection[str]) -> bool:
    """Returns whether `usual_name` may have made a name.

    A hash tells nothing of what it is of: any eight hexadecimal digits at the end count as one.

    Args:
        name: without its ending.
        stem: of the result; of "evaluation" there are numbers beside it.
        named: as in `usual_name`.
    """
    if stem == "evaluation":
        return re.fullmatch(r"evaluation(-[1-9][0-9]*)?", name) is not None
    plain, hashed = _forms(stem, tuple(named))
    found = plain.fullmatch(name) if len(name) <= LONGEST else None
    return (found or hashed.fullmatch(name)) is not None


def is_result(name: str, named: Collection[str]) -> bool:
    """Returns whether a file's name is the usual one of a result."""
    return any(
        name.endswith(ending) and is_usual(name.removesuffix(ending), stem, named)
        for stem, endings in RESULTS.items()
        for ending in endings
    )


@cache
def _forms(stem: str, named: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Forms of names whose words say all, and of those with a hash."""
    sources, arguments = "|".join(map(re.escape, named)) or EXACT.pattern, "|".join(ARGUMENTS)
    argument = f"(?:{arguments})(?:-(?:{sources}|{EXACT.pattern}))?"
    plain = f"|{sources}|{'|'.join(SPLITS)}" if stem != "samples" else ""  # these are of no examples
    begins = f"(?:{arguments})-" if stem == "samples" else ""
    return (
        re.compile(f"{stem}(?:-(?:{argument}{plain}))*"),
        re.compile(f"{stem}-{begins}.+-[0-9a-f]{{8}}"),
    )
