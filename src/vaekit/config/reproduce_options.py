"""Options of `reproduce`, and those of the evaluation that a recipe states. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaekit.config.fields import Options, option, same
from vaekit.config.options import FitSettings


@dataclass(frozen=True)
class ReproduceSettings(Options):
    """The recipes to run, and where."""

    recipes: tuple[str, ...] = option(
        (),
        help="names of recipes, or JSON files of such (default: all that have a result, the quickest first)",
        positional=True,
    )
    list: bool = option(
        False, help="only say which recipes there are, what is judged of each and how long it takes"
    )
    quick: bool = option(False, help="the quickest recipes, as many as together took less than 5 minutes")
    out: str | None = option(
        None,
        help="folder of the runs; those that are done there are not run again, and one that was interrupted is "
        "resumed (default: runs/reproduce-N)",
    )
    device: str = same(FitSettings, "device")


@dataclass(frozen=True)
class RecipeEvaluation(Options):
    """The evaluation by which a recipe is judged: arguments of `vaekit.evaluate`."""

    samples: int = option(1, at_least=1, help="K of the importance-weighted bound")
    images: int | None = option(None, at_least=1, help="test images for the likelihood, drawn at random")
    features: str | None = option(None, help="in which samples are compared with test images")
    seed: int = option(0, at_least=0, help="seed of all draws")
