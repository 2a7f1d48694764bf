"""`reproduce`: runs recipes again and judges their figures against the stored ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vaekit.config.configured import strict
from vaekit.config.options import FORMAT
from vaekit.config.recipe_names import shipped
from vaekit.config.reproduce_options import ReproduceSettings
from vaekit.core import DataError, RunError, SettingError, TrainingError, counted
from vaekit.reproduction.judging import FALLS_OUT, HOLDS, NOT_JUDGED, Judged, judge
from vaekit.reproduction.recipe_files import Recipe, find_recipe, read_recipe
from vaekit.reproduction.rerun import Rerun, Say, Stop, rerun
from vaekit.runs.files import check_empty, next_folder, read_json, write_json, writing
from vaekit.runtime.device import choose_device
from vaekit.runtime.stopwatch import duration

QUICK_SECONDS = 300.0  # that `quick` recipes took in all
PLAN, NUMBERS = "plan.json", "reproduction.json"  # in the folder: what was asked for, and what came of it
NOT_RUN = "not run"


@dataclass(frozen=True)
class Reproduced:
    """A recipe, and what came of it.

    Attributes:
        recipe: with the stored result.
        verdict: HOLDS, FALLS_OUT, NOT_JUDGED, or NOT_RUN.
        figures: judged; empty where it was not run.
        run: that was judged; None where it was not run, or its training failed.
        reason: why it was not run, or what failed.
    """

    recipe: Recipe
    verdict: str
    figures: tuple[Judged, ...] = ()
    run: Rerun | None = None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        stored, run = self.recipe.result, self.run
        there = stored and {
            "seconds": self.recipe.seconds,
            "hardware": asdict(stored.hardware),
            "versions": dict(stored.versions),
            "seeds": list(stored.seeds),
            "date": stored.date,
        }
        here = run and {
            "seconds": round(run.seconds, 1),
            "hardware": asdict(run.hardware),
            "versions": dict(run.versions),
            "run": str(run.folder),
        }
        figures = {figure.key: figure.as_dict() for figure in self.figures}
        return {
            "verdict": self.verdict, "reason": self.reason, "figures": figures, "stored": there, "found": here,
        }  # fmt: skip


@dataclass(frozen=True)
class Reproduction:
    """Recipes that were run again, as far as that came.

    Attributes:
        recipes: that were asked for, the quickest first.
        reproduced: of those that were come to; of all, not run, where only a list was asked for.
        out: folder of the runs; None for a list.
        interrupted: why it ended early, or None; the same call with the same `out` resumes it.
        named: whether the recipes were named one by one.

    Example:
        >>> found = vaekit.reproduce(list=True)
        >>> found.out is None, len(found.recipes) == len(found.reproduced)
        (True, True)
    """

    recipes: tuple[Recipe, ...]
    reproduced: tuple[Reproduced, ...] = field(default=())
    out: Path | None = None
    interrupted: str | None = None
    named: bool = False

    @property
    def holds(self) -> bool:
        """Says whether no recipe fell out, and one at least held; of those that were named, every one."""
        verdicts = [each.verdict for each in self.reproduced]
        if self.named or self.interrupted is not None:
            return len(verdicts) == len(self.recipes) and set(verdicts) == {HOLDS}
        return HOLDS in verdicts and FALLS_OUT not in verdicts

    @property
    def forecast_seconds(self) -> float:
        """Returns the seconds that all recipes took where they were measured, as far as that is stored."""
        return sum(recipe.seconds or 0.0 for recipe in self.recipes)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "out": None if self.out is None else str(self.out),
            "interrupted": self.interrupted,
            "holds": self.holds,
            "forecast_seconds": self.forecast_seconds,
            "recipes": {each.recipe.name: each.as_dict() for each in self.reproduced},
        }


@strict
def reproduce(
    recipes: Sequence[str] = (),
    *,
    list: bool = False,
    quick: bool = False,
    out: str | Path | None = None,
    device: str = "auto",
    should_stop: Stop = lambda: None,
    tell: Say = lambda line: None,
) -> Reproduction:
    """Trains and measures as recipes say, and judges each figure against the one that the recipe stores.

    By which rule, `vaekit.reproduction.judging` says. What an earlier call has done in the folder is not repeated.

    Args:
        recipes: names, or JSON files; none take all that come with vaekit and store figures.
        list: run nothing, and only return which they are.
        quick: of these the quickest, as many as together took less than 5 minutes.
        out: folder of the runs; None takes that of an unfinished call for the same recipes, else runs/reproduce-N with
            the first free N.
        device: of all trainings and evaluations; "auto" takes what each recipe says.
        should_stop: asked after every step; a reason ends the call, resumable.
        tell: is given a line before each recipe, the forecast first.

    Returns:
        Every recipe with its verdict; those whose data are not here as not run.

    Raises:
        SettingError: no such recipe, one without a result, or a device that is not here.
        RunError: a file that is no recipe, or a folder that holds something else or cannot be written.

    Example:
        >>> "digits_vae" in [recipe.name for recipe in vaekit.reproduce(list=True).recipes]
        True
    """
    ReproduceSettings.of({"recipes": recipes, "list": list, "quick": quick, "device": device})
    chosen = choose_recipes(recipes, quick)
    if list:
        return Reproduction(chosen, tuple(Reproduced(recipe, NOT_RUN) for recipe in chosen))
    choose_device(device)
    folder = find_folder(chosen, out)
    wanted = Reproduction(chosen, out=folder, named=bool(recipes) and not quick)
    tell(forecast(wanted))
    done: tuple[Reproduced, ...] = ()
    for number, recipe in enumerate(chosen, 1):
        tell(f"{number} of {len(chosen)}: {recipe.name}")
        each = reproduced(recipe, folder, device, should_stop, tell)
        if isinstance(each, str):
            return Reproduction(chosen, done, folder, each, wanted.named)
        done = (*done, each)
        if number < len(chosen) and (reason := should_stop()):
            return Reproduction(chosen, done, folder, reason, wanted.named)
    found = Reproduction(chosen, done, folder, None, wanted.named)
    write_json(folder / NUMBERS, {"format": FORMAT, **found.as_dict()})
    return found


def choose_recipes(named: Sequence[str], quick: bool) -> tuple[Recipe, ...]:
    """The recipes that are asked for, the quickest first; those whose time is not stored come last.

    Raises:
        SettingError: no such recipe, or one without figures.
        RunError: a file that is no recipe, or two recipes of one name.
    """
    found = [*{recipe.path.resolve(): recipe for recipe in map(find_recipe, named)}.values()]
    for recipe in found:
        if not recipe.judged:
            raise SettingError(f"{recipe.name} stores no figures that a run could be judged by.", "recipes")
        if [each.name for each in found].count(recipe.name) > 1:
            raise RunError(f"two recipes are called {recipe.name}; rename one of the files.")
    if not named:
        found = [recipe for recipe in map(read_recipe, shipped().values()) if recipe.judged]
    unknown = float("inf")
    found.sort(key=lambda recipe: (unknown if recipe.seconds is None else recipe.seconds, recipe.name))
    return tuple(quickest(found) if quick else found)


def quickest(recipes: Sequence[Recipe]) -> list[Recipe]:
    """The first of some recipes in order of time, as long as they took less than QUICK_SECONDS together; those whose
    evaluation was not timed are none of them."""
    kept, spent = [], 0.0
    for recipe in recipes:
        if recipe.timed and recipe.seconds is not None and spent + recipe.seconds < QUICK_SECONDS:
            kept.append(recipe)
            spent += recipe.seconds
    return kept


def forecast(wanted: Reproduction) -> str:
    """The line that says what is to come."""
    timed = [recipe for recipe in wanted.recipes if recipe.seconds is not None]
    many = f"reproducing {counted(len(wanted.recipes), 'recipe')} in {wanted.out}"
    if not timed:
        return f"{many}; how long they took is not stored"
    trained = [recipe.name for recipe in timed if not recipe.timed]
    unknown = [recipe.name for recipe in wanted.recipes if recipe.seconds is None]
    more = f", without the evaluation of {', '.join(trained)}" if trained else ""
    more += f", without {', '.join(unknown)}, whose time is not stored" if unknown else ""
    return f"{many}: they took {duration(wanted.forecast_seconds)} where they were measured{more}"


def reproduced(recipe: Recipe, out: Path, device: str, stop: Stop, say: Say) -> Reproduced | str:
    """Runs and judges one recipe; why it was interrupted, if it was."""
    assert recipe.result is not None
    try:
        run = rerun(recipe, recipe.result.seeds[0], out, device, stop, say)
    except DataError as error:
        say(f"{recipe.name} is not run: {error}")
        return Reproduced(recipe, NOT_RUN, reason=str(error))
    except TrainingError as error:
        say(f"{recipe.name} failed: {error}")
        return Reproduced(recipe, FALLS_OUT, reason=str(error))
    if isinstance(run, str):
        return run
    figures = tuple(judge(recipe.result, run.figures, run.data == recipe.result.data))
    verdicts = [figure.verdict for figure in figures]
    verdict = next((word for word in (FALLS_OUT, HOLDS) if word in verdicts), NOT_JUDGED)
    return Reproduced(recipe, verdict, figures, run)


def find_folder(recipes: Sequence[Recipe], out: str | Path | None) -> Path:
    """The folder of the runs, with the names of the recipes in it.

    Raises:
        RunError: it holds something else, or cannot be written.
    """
    names = [recipe.name for recipe in recipes]
    folder = usual_folder(names) if out is None else Path(out)
    if not (folder / PLAN).exists():
        check_empty(folder)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN, {"format": FORMAT, "recipes": names})
    return folder


def usual_folder(names: Sequence[str]) -> Path:
    """The folder of an unfinished call for these recipes, else the next free name."""

    def mine(folder: Path) -> bool:
        unfinished = (folder / PLAN).exists() and not (folder / NUMBERS).exists()
        return unfinished and read_json(folder / PLAN).get("recipes") == [*names]

    return next_folder("reproduce", mine)
