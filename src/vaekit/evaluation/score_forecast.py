"""Says how long scores will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from torch import Tensor

from vaekit.core import SettingError, counted
from vaekit.data import Split
from vaekit.data.picking import chosen as some_of
from vaekit.evaluation.outliers import SCORES
from vaekit.runtime.pulse import ProgressCallback, Pulse
from vaekit.runtime.stopwatch import duration

FEW, MANY = 32, 512  # images whose scores are timed, where there are so many
CHEAP = 10  # a score that takes less than this part of the time of all is named as one to take alone
LONG = 10.0  # seconds: what takes longer is said beforehand
Judge = Callable[..., tuple[dict[str, Tensor], dict[str, str]]]


def forecast(
    judge: Judge, split: Split, scores: Sequence[str] | None, more: Mapping[str, int], shown: ProgressCallback
) -> None:
    """Says how long all scores of many images will take, by the time of few; of those that take long, where a screen is.

    Args:
        judge: `score_images` of a model.
        split: the images.
        scores: keys of SCORES that were asked for; None for all.
        more: further images by score.
        shown: where progress goes; only a `Pulse` shows this.
    """
    total = len(split)
    if not isinstance(shown, Pulse) or not shown.seen or len(split) < MANY:
        return
    few, seconds = some_of(split, FEW, 0), {}
    for name in scores or SCORES:
        if name == "latent_distance":  # its time is that of embeddings, and hardly depends on their number
            continue
        with suppress(SettingError):
            began = time.monotonic()
            judge(few, scores=[name], tell=None)
            seconds[name] = (time.monotonic() - began) / FEW * (total + more.get(name, 0))
    if sum(seconds.values()) < LONG:
        return
    slowest = max(seconds, key=lambda name: seconds[name])
    line = f"about {duration(sum(seconds.values()))} for {counted(len(seconds), 'score')} of {counted(total, 'image')}"
    rest = f", {slowest} {duration(seconds[slowest])} of it" if len(seconds) > 1 else ""
    cheap = [name for name, taken in seconds.items() if taken < sum(seconds.values()) / CHEAP]
    if cheap and scores is None:
        rest += f"; {', '.join(cheap)} alone {duration(sum(seconds[name] for name in cheap))}"
    shown.say(line + rest)
