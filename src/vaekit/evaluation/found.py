"""All that is found wrong with a model, by what was measured of it: each figure in the light of the others.

A rate says nothing without what is reconstructed by it, a reconstruction nothing of samples, and samples nothing of
images that were learned by heart. Cut-offs are in `vaekit.metrics.cutoffs`, each with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vaekit.data import Data
from vaekit.evaluation.asked import Asked
from vaekit.evaluation.latents.codebook import CodeReport
from vaekit.evaluation.latents.findings import chosen_by_validation, findings, remarks, run_notes
from vaekit.evaluation.latents.health import Health
from vaekit.evaluation.likelihood.bounds import MeanNats
from vaekit.evaluation.reconstructions import Reconstructions, measure_reconstructions
from vaekit.evaluation.samples.classes_drawn import classes_drawn
from vaekit.evaluation.samples.quality import SampleQuality
from vaekit.evaluation.samples.sample_findings import sample_findings
from vaekit.metrics import cutoffs as cut
from vaekit.models.capabilities import Reconstructs
from vaekit.models.which_prior import fitted_to
from vaekit.runs.load import Run
from vaekit.runs.records import Note
from vaekit.training.learned import variety


@dataclass(frozen=True)
class Measured:
    """All that a model is judged by; None where it was not measured, or is not defined.

    Attributes:
        notes: on the training of its run.
        chosen: whether validation chose the weights.
        fitted: whether samples are drawn from a prior that was fitted to the latents.
        health: of the latent space.
        codes: of discrete codes.
        rebuilt: reconstructions.
        varied: variance of samples over that of test examples.
        classes: effective number of classes among samples over that among test examples.
        quality: of samples.
        bounds: on -log p(x) and the like, by name.
    """

    notes: Sequence[Note] = ()
    chosen: bool = False
    fitted: bool = False
    health: Health | None = None
    codes: CodeReport | None = None
    rebuilt: Reconstructions | None = None
    varied: float | None = None
    classes: float | None = None
    quality: SampleQuality | None = None
    bounds: Mapping[str, MeanNats] = field(default_factory=dict)


def look(run: Run | None, asked: Asked, seed: int, **measured: Any) -> Measured:
    """All that findings are made of: what was measured already, and what only they need.

    Args:
        run: whose model it is, if any.
        asked: model and images.
        seed: of draws.
        measured: attributes of `Measured`.
    """
    model, train, health = asked.model, asked.train, measured["health"]
    explained, varied = health and health.explained, variety(model, asked.test)
    rebuilt = None
    if isinstance(model, Reconstructs):
        rebuilt = measure_reconstructions(model, asked.test, train, seed, explained)
    known = asked.data.train if isinstance(asked.data, Data) else None
    return Measured(
        notes=() if run is None else run_notes(run, explained, varied),
        chosen=run is not None and chosen_by_validation(run),
        fitted=fitted_to(model) is not None,
        rebuilt=rebuilt,
        varied=varied,
        classes=None if varied is None or known is None else classes_drawn(model, asked.test, known, seed),
        **measured,
    )


def all_found(seen: Measured) -> list[Note]:
    """Faults of a model; none for a healthy one. The notes on its training first, then what these do not say already."""
    broken = not_finite(seen)
    if broken is not None:
        return [*seen.notes, broken]
    found = list(seen.notes)
    if seen.health is not None:
        found += findings(seen.health, seen.notes, seen.chosen, seen.fitted)
    if seen.codes is not None:
        found += seen.codes.findings(seen.notes)
    if seen.rebuilt is not None:
        found += rebuilt_findings(seen.rebuilt, found, seen.chosen)
    return [*found, *sample_findings(seen.varied, found, seen.quality, seen.classes, seen.fitted)]


def all_remarked(seen: Measured, found: Sequence[Note]) -> list[Note]:
    """Facts that are no faults and that whoever uses the model should know: idle dimensions, a prior that is missing.

    Args:
        found: faults of the model: of one that has any nobody says that fewer dimensions would do as well.
    """
    said = [] if seen.health is None else remarks(seen.health, seen.chosen, seen.fitted)
    said += [] if seen.codes is None else seen.codes.remarks()
    return [remark for remark in said if not found or remark.kind == "no prior"]


def looked_at(seen: Measured) -> tuple[list[str], list[str]]:
    """Names of what was judged and of what could not be, the same as in the sentences of a page."""
    health, rebuilt = seen.health, seen.rebuilt
    places = {
        "rate": health is not None and health.rate is not None,
        "explained variance": health is not None or rebuilt is not None,
        "a linear model for comparison": rebuilt is not None and rebuilt.linear is not None,
        "the scale of p(x|z)": rebuilt is not None and rebuilt.residual_ratio is not None,
        "distance of the latents from the prior": health is not None
        and health.moments_kl is not None
        and health.has_prior,
        "training against test examples": rebuilt is not None and rebuilt.explained_train is not None,
        "use of the codes": seen.codes is not None,
        "variance of samples": seen.varied is not None,
        "classes of samples": seen.classes is not None,
        "quality and copies among samples": seen.quality is not None,
    }
    of_codes = {"use of the codes"}
    never = {"rate", "distance of the latents from the prior"} if seen.codes is not None else of_codes
    return [n for n, there in places.items() if there], [
        n for n, there in places.items() if not there and n not in never
    ]


def not_finite(seen: Measured) -> Note | None:
    """Figures that are NaN or infinite: the model computes nothing."""
    figures = {name: mean.value for name, mean in seen.bounds.items()}
    if seen.health is not None:
        health = seen.health
        figures |= {"explained variance": health.explained, "moment KL": health.moments_kl or 0.0}
        figures |= {"rate": health.rate.value} if health.rate is not None else {}
        figures |= {"distortion": health.distortion.value} if health.distortion is not None else {}
        figures |= {"variance of means": sum(health.variance_of_means)}
    if seen.rebuilt is not None:
        figures["explained variance"] = seen.rebuilt.explained
        figures["residuals over the variance of p(x|z)"] = seen.rebuilt.residual_ratio or 0.0
    if seen.varied is not None:
        figures["variance of samples"] = seen.varied
    bad = [name for name, value in figures.items() if not math.isfinite(value)]
    if not bad:
        return None
    text = f"not finite: {', '.join(bad)}; what else was measured says nothing"
    return Note("not finite", text, "train again with a tenth of the learning_rate, or in precision='fp32'")


def rebuilt_findings(rebuilt: Reconstructions, found: Sequence[Note], chosen: bool) -> list[Note]:
    """Faults of reconstructions, and of the likelihood that judges them, where nothing else says why.

    Args:
        found: so far, notes on the training included.
        chosen: whether validation chose the weights.
    """
    learned = {note.kind for note in found} & {"overfitting", "by heart"}
    heart = None if learned else by_heart(rebuilt, chosen)
    judged = [
        None if found else nothing(rebuilt) or poor(rebuilt),
        heart,
        scale(rebuilt, known=bool(learned) or heart is not None),
    ]
    return [note for note in judged if note is not None]


def nothing(rebuilt: Reconstructions) -> Note | None:
    """Reconstructions that are hardly better than the mean of the examples, of a model without a rate."""
    if rebuilt.explained >= cut.NOTHING:
        return None
    text = f"reconstructions explain {max(0.0, rebuilt.explained):.0%} of the variance: nothing was learned"
    return Note("nothing", text, "train for more steps, or at another learning_rate")


def poor(rebuilt: Reconstructions) -> Note | None:
    """Reconstructions that explain much less than a linear model of as many latents would."""
    if rebuilt.linear is None or not cut.NOTHING <= rebuilt.explained < cut.BELOW_LINEAR * rebuilt.linear:
        return None
    text = (
        f"reconstructions explain {rebuilt.explained:.0%} of the variance, {rebuilt.linear:.0%} would be by principal components, "
        "no more than there are latents"
    )
    return Note(
        "poor",
        text,
        "train for more steps; take likelihood='gaussian-optimal', or a smaller beta if it is above 1",
    )


def by_heart(rebuilt: Reconstructions, chosen: bool) -> Note | None:
    """Training examples that are reconstructed much better than others."""
    if rebuilt.explained_train is None:
        return None
    left, left_train = 1 - rebuilt.explained, 1 - rebuilt.explained_train
    if left - left_train <= cut.GAP_EXPLAINED or left <= cut.TIMES_LEFT * left_train:
        return None
    text = (
        f"reconstructions explain {max(0.0, rebuilt.explained):.0%} of the variance, "
        f"of training examples {max(0.0, rebuilt.explained_train):.0%}: "
        "these are learned by heart"
    )
    remedy = "take a smaller latent_dim= or width=, or more examples"
    return Note("overfitting", text, remedy if chosen else f"try fewer epochs or weights='best'; {remedy}")


def scale(rebuilt: Reconstructions, known: bool = False) -> Note | None:
    """A likelihood whose scale is far from that of the residuals: its nats, and the rate that it asks for, are of another
    problem.

    Args:
        known: whether it is known that training examples were learned by heart: then residuals of others are larger.
    """
    ratio = rebuilt.residual_ratio
    if ratio is None or 1 / cut.SCALE_OFF <= ratio <= cut.SCALE_OFF:
        return None
    wide = ratio < 1
    if known and not wide:
        return None
    way = "smaller" if wide else "larger"
    times = math.sqrt(1 / ratio if wide else ratio) if ratio > 0 else math.inf
    remedy = "take likelihood='gaussian-optimal', which fits it, or a sigma that is so much smaller"
    if not wide:
        remedy = "take likelihood='gaussian-optimal', which fits it, or a sigma that is so much larger; or more examples"
    consequence = (
        "the latents are asked to say too little" if wide else "noise is charged for as if it were signal"
    )
    text = f"residuals are {times:.2g} times {way} than the standard deviation of p(x|z): {consequence}"
    return Note("scale", text, remedy)
