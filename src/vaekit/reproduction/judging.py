"""Judges a figure against the stored one: the rule by which a recipe holds.

A figure that the settings decide (`DECIDED`) must be equal. Any other must differ by no more than `allowed` standard
errors of the difference:

- stored over S ≥ 2 seeds: the found one is one draw more. With the standard error e of their mean the spread of one run is
  e √S, and that of the difference from the mean √(S e² + e²). Both are of the same test images, whose choice is in
  neither; where the images are others (another fingerprint), the errors over images of both are added in squares.
- stored of one seed: what another one gives is unknown. The errors over images of both take its place, as if the images
  were different ones; where the stored figure has none, the found one's counts twice.
- with no error at all it is not judged.

A stored mean, or error of it, that is not that of the values which are stored beside it falls out whatever is found.

`allowed` is 3 for errors over images, of hundreds of values or more. Where the spread was estimated from S seeds it is
the quantile of Student's t with S - 1 degrees of freedom that leaves out as much as 3 does of a normal, 0.27 %: so rarely
does a figure fall out that is right, on a machine that rounds otherwise.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from vaekit.comparison.chance import t_quantile
from vaekit.metrics import Metric, metric_of
from vaekit.reproduction.recipe_files import Result, StoredFigure

DECIDED = ("parameters", "steps", "epochs", "latent_dimensions")  # figures that the settings decide
NORMAL = 3.0  # standard errors of a normal, by which Student's t is to leave out as much
ROUNDING = 1e-5  # relative: files keep six digits of a mean, and of its error

HOLDS, FALLS_OUT, NOT_JUDGED = "holds", "falls out", "not judged"


@dataclass(frozen=True)
class Found:
    """A figure of a run.

    Attributes:
        value: the figure.
        error: its standard error over images, if it has one.
    """

    value: float
    error: float | None = None


@dataclass(frozen=True)
class Judged:
    """A figure beside the stored one.

    Attributes:
        key: of METRICS.
        stored, found: the two; None where the run has no such figure.
        error: standard error of their difference; None where it must be equal, or is not judged.
        allowed: standard errors that the difference may have, likewise.
        verdict: HOLDS, FALLS_OUT or NOT_JUDGED.
        reason: in words.
    """

    key: str
    stored: StoredFigure
    found: Found | None
    error: float | None
    allowed: float | None
    verdict: str
    reason: str

    @property
    def metric(self) -> Metric:
        return metric_of(self.key)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        found = self.found
        return {
            "stored": self.stored.value,
            "stored_standard_error": self.stored.error,
            "found": None if found is None or not math.isfinite(found.value) else found.value,
            "found_standard_error": None if found is None else found.error,
            "standard_error_of_difference": self.error,
            "allowed_standard_errors": self.allowed,
            "verdict": self.verdict,
            "reason": self.reason,
        }


def judge(result: Result, found: Mapping[str, Found], same_images: bool) -> list[Judged]:
    """Judges every figure that a result stores, in its order.

    Args:
        found: those of the run, by key.
        same_images: whether the run was measured on the images that the result was measured on.
    """
    seeds = len(result.seeds)
    return [
        _judged(key, figure, found.get(key), seeds, same_images) for key, figure in result.figures.items()
    ]


def _judged(key: str, stored: StoredFigure, found: Found | None, seeds: int, same_images: bool) -> Judged:
    if found is None:
        return Judged(key, stored, None, None, None, FALLS_OUT, "the run has no such figure")
    difference = abs(found.value - stored.value)
    if contradiction := contradicted(stored):
        return Judged(key, stored, found, None, None, FALLS_OUT, contradiction)
    if key in DECIDED:
        verdict = HOLDS if difference == 0 else FALLS_OUT
        return Judged(key, stored, found, None, None, verdict, "must be equal")
    error, allowed = difference_error(stored, found, seeds, same_images)
    if error is None or allowed is None:
        return Judged(key, stored, found, None, None, NOT_JUDGED, "no standard error is known")
    rounding = ROUNDING * abs(stored.value)
    holds = difference <= max(allowed * error, rounding)  # NaN does not
    of_errors = f"{difference / error:.1f} of {allowed:.1f} standard errors" if error > 0 else "must be equal"
    return Judged(key, stored, found, error, allowed, HOLDS if holds else FALLS_OUT, of_errors)


def difference_error(
    stored: StoredFigure, found: Found, seeds: int, same_images: bool
) -> tuple[float | None, float | None]:
    """The standard error of the difference of a found figure from the stored one, and how many of it are allowed.

    Args:
        seeds: that the stored one is a mean over.
        same_images: whether both are of the same test images.

    Returns:
        None and None where no error is known.
    """
    over_seeds, there = stored.standard_error_over_seeds, stored.standard_error_over_images
    here = found.error
    of_images = [error for error in (there, here) if error is not None]
    if len(of_images) == 1:
        of_images *= 2
    if over_seeds is None:
        return (math.hypot(*of_images), NORMAL) if of_images else (None, None)
    added = [] if same_images else of_images
    return math.hypot(over_seeds * math.sqrt(seeds), over_seeds, *added), allowed_errors(seeds - 1)


@cache
def allowed_errors(freedom: int) -> float:
    """Standard errors within which as large a share of Student's t lies as of a normal within NORMAL.

    Args:
        freedom: degrees of freedom of the standard error, at least 1.
    """
    return t_quantile(1 - math.erfc(NORMAL / math.sqrt(2)) / 2, freedom)


def contradicted(stored: StoredFigure) -> str:
    """Says in what a stored figure contradicts the values of its seeds; empty where it does not, or they are not there."""
    values = stored.values
    if not values:
        return ""
    if abs(statistics.fmean(values) - stored.value) > ROUNDING * max(map(abs, values)):
        return "the stored value is not the mean of those of its seeds"
    error = stored.standard_error_over_seeds
    if error is not None:
        own = statistics.stdev(values) / math.sqrt(len(values))
        if abs(own - error) > ROUNDING * max(own, ROUNDING * max(map(abs, values))):
            return "the stored error is not that of the values of its seeds"
    return ""
