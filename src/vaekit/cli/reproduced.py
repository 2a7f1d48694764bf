"""The table of recipes that were run again, and the list of those that can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaekit.cli.output import aligned
from vaekit.cli.spelling import as_typed
from vaekit.core import counted
from vaekit.runtime.stopwatch import duration

if TYPE_CHECKING:
    from vaekit.reproduction.judging import Judged
    from vaekit.reproduction.reproduce import Reproduced, Reproduction

HEAD = ("recipe", "figure", "stored", "found", "unit", "verdict", "difference, and what is allowed")
TIME = "time"


def reproduction_lines(found: Reproduction) -> list[str]:
    """A row per figure with its verdict, the seconds there and here, the hardware, and what it comes to."""
    if not found.reproduced:
        return [conclusion(found)]
    rows = [HEAD, *(row for each in found.reproduced for row in rows_of(each))]
    return [*aligned(rows), "", *hardware_lines(found.reproduced), conclusion(found)]


def rows_of(each: Reproduced) -> list[tuple[str, ...]]:
    """The rows of one recipe."""
    name = each.recipe.name
    if each.run is None:
        return [(name, "", "", "", "", each.verdict, as_typed(each.reason))]
    there = "–" if each.recipe.seconds is None else f"{each.recipe.seconds:.1f}"
    return [
        *(row_of(name, figure) for figure in each.figures),
        (name, TIME, there, f"{each.run.seconds:.1f}", "s", "", ""),
    ]


def row_of(name: str, figure: Judged) -> tuple[str, ...]:
    """A figure: stored with its error, found, and by which rule it was judged."""
    metric, stored, found = figure.metric, figure.stored, figure.found
    error = "" if stored.error is None else f" ± {metric.text(stored.error)}"
    here = "–" if found is None else metric.text(found.value)
    return (
        name,
        metric.label,
        metric.text(stored.value) + error,
        here,
        metric.unit,
        figure.verdict,
        figure.reason,
    )


def hardware_lines(reproduced: Sequence[Reproduced]) -> list[str]:
    """The hardware there, by recipe, and the hardware here."""
    there: dict[str, list[str]] = {}
    for each in reproduced:
        if each.recipe.result is not None:
            result = each.recipe.result
            torch = f", torch {result.versions['torch']}" if "torch" in result.versions else ""
            there.setdefault(result.hardware.text + torch, []).append(each.recipe.name)
    here = dict.fromkeys(
        f"{each.run.hardware.text}, torch {each.run.versions['torch']}" for each in reproduced if each.run
    )
    stored = [f"stored  {text} ({', '.join(names)})" for text, names in there.items()]
    return [*stored, *(f"found   {text}" for text in here)]


def conclusion(found: Reproduction) -> str:
    """The number of recipes that hold, and what became of the others."""
    verdicts = [each.verdict for each in found.reproduced]
    parts = [said(verdicts.count(word), word) for word in sorted(set(verdicts))]
    left = len(found.recipes) - len(verdicts)
    return f"of {counted(len(found.recipes), 'recipe')}: {', '.join([*parts, *([f'{left} left'] if left else [])])}"


def said(count: int, verdict: str) -> str:
    """`1 holds`, `2 fall out`, `3 not run`."""
    verb, _, rest = verdict.partition(" ")
    return f"{count} {verb.removesuffix('s') if count > 1 else verb} {rest}".rstrip()


def list_lines(found: Reproduction) -> list[str]:
    """A row per recipe: its time, its hardware, and what is judged."""
    rows: list[tuple[str, ...]] = [("recipe", "time", "figures", "hardware")]
    for recipe in found.recipes:
        assert recipe.result is not None
        seconds = "–" if recipe.seconds is None else "over " * (not recipe.timed) + duration(recipe.seconds)
        rows.append((recipe.name, seconds, str(len(recipe.result.figures)), recipe.result.hardware.text))
    return [*aligned(rows), "", f"in all {duration(found.forecast_seconds)}, as far as times are stored"]
