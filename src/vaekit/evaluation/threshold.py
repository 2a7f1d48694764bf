"""The score above which an image is called an outlier: a quantile of the scores of images that the run did not train on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from vaekit.core import SettingError, examples

MOST = 1000  # validation images that are scored for it, at most
FEW, SAME = (
    10,
    0.5,
)  # at least 10 images; a score that is the same for a larger share of them puts them in no order


@dataclass(frozen=True)
class Threshold:
    """A score that few usual images exceed.

    Attributes:
        score: the threshold itself, in the unit of its score.
        quantile: the share of usual images that were to lie below or at it.
        images: number of validation images that it comes from.
    """

    score: float
    quantile: float
    images: int

    @property
    def share_above(self) -> float:
        """Returns the share of new images like those that lie above on average, where no two scores are equal."""
        return 1 - _rank(self.images, self.quantile) / (self.images + 1)

    def said(self, shape: Iterable[int]) -> str:
        """Returns where it comes from, and what it is worth: of examples of a shape."""
        known = examples(self.images, shape).replace(" ", " validation ")
        if self.share_above > 1.001 * (1 - self.quantile):
            few = f"which {self.share_above:.1%} of usual ones exceed; too few for {self.quantile:g}"
            return f"the greatest of {known}, {few}"
        return f"the {self.quantile:g} quantile of {known}"


def threshold_of(scores: Tensor, quantile: float) -> Threshold:
    """The k-th smallest of n scores, k = ceil((n + 1) quantile): of new images that come as these came, a share of at most
    1 - quantile lies above, on average over such sets (split conformal prediction: Vovk et al. 2005).

    Too few images for that, fewer than quantile / (1 - quantile), give their greatest score.

    Args:
        scores: of usual images, (n,).
        quantile: between 0 and 1.

    Raises:
        SettingError: no scores.
    """
    if not len(scores):
        raise SettingError("a threshold needs scores of validation images; there are none.")
    score = scores.double().sort().values[_rank(len(scores), quantile) - 1]
    return Threshold(float(score), quantile, len(scores))


def _rank(count: int, quantile: float) -> int:
    return min(math.ceil(round((count + 1) * quantile, 9)), count)


def above(scores: Tensor, threshold: Threshold) -> Tensor:
    """Mask (N,) of the images that are outliers."""
    return scores.double() > threshold.score


def ties(by: str, usual: Tensor, others: Sequence[str]) -> list[str]:
    """A line where a score is the same for most images, and so puts them in no order; else none.

    Args:
        by: name of the score.
        usual: its values, (N,).
        others: names of scores that could be taken in its place.
    """
    values, counts = usual.unique(return_counts=True)
    most = int(counts.argmax()) if len(usual) else 0
    if len(usual) < FEW or counts[most] <= SAME * len(usual):
        return []
    remedy = f"; take by={others[0]!r}" if others else ""
    share = f"{counts[most] / len(usual):.0%}"
    return [
        f"{by} is {float(values[most]):.3g} for {share} of {len(usual):,} images, and so puts them in no order{remedy}."
    ]
