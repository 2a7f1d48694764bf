"""Faults of samples, by their variance, their classes, and their neighbourhoods among test images."""

from __future__ import annotations

from collections.abc import Sequence

from vaekit.evaluation.samples.quality import SUSPICIOUS, SampleQuality
from vaekit.metrics import cutoffs as cut
from vaekit.runs.records import Note


def sample_findings(
    variance: float | None,
    found: Sequence[Note] = (),
    quality: SampleQuality | None = None,
    classes: float | None = None,
    fitted: bool = False,
) -> list[Note]:
    """Faults of samples; what was found before says why samples are bad already, but for copies.

    Args:
        variance: of samples, over that of data, as in `vaekit.training.learned`; None where there are none.
        found: so far: on the training, and on the latent space.
        quality: of samples, where it was measured.
        classes: effective number of classes among them, over that among test images.
        fitted: whether they are drawn from a prior that was fitted to the latents.
    """
    copied = None if quality is None else copies(quality)
    rest = [] if copied is None else [copied]
    if found:
        return rest
    remedy = "fit a density to the latents (vaekit prior RUN), or train for more steps"
    if fitted:
        remedy = "fit the prior with more components or for longer (vaekit prior RUN with replace=True)"
    bad = alike(variance) or few_classes(classes) or (quality and off(quality))
    return rest if not bad else [Note("samples", bad, remedy), *rest]


def alike(variance: float | None) -> str:
    """Says that samples look the same, or are far more varied than images."""
    if variance is None or cut.ALIKE <= variance <= cut.UNLIKE:
        return ""
    if variance < cut.ALIKE:
        return f"samples are like each other: their variance is {variance:.1%} of that of the images"
    return (
        f"samples vary {variance:.1f} times as much as the images: most latents that are drawn are no image's"
    )


def few_classes(classes: float | None) -> str:
    """Says that some classes are hardly ever drawn."""
    if classes is None or classes >= cut.FEW_CLASSES:
        return ""
    return f"samples have {classes:.0%} of the effective number of classes: most are hardly ever drawn"


def off(quality: SampleQuality) -> str:
    """Says that samples lie elsewhere than images, or in a few places among them, beside what training images reach."""
    shares = {}
    for name in ("precision", "coverage"):
        key = f"{name}_{quality.features}"
        if key not in quality.figures or key not in quality.floor:
            return ""
        shares[name] = quality.figures[key].value, quality.floor[key].value
    (precise, floor_precise), (covered, floor_covered) = shares["precision"], shares["coverage"]
    if precise < cut.OFF * floor_precise:
        return f"{precise:.0%} of the samples lie among test images, of training images {floor_precise:.0%}: samples are no images"
    if covered < cut.OFF * floor_covered:
        return f"samples come near {covered:.0%} of the test images, training images near {floor_covered:.0%}: whole kinds are missing"
    return ""


def copies(quality: SampleQuality) -> Note | None:
    """Samples that repeat training images, by three standard errors."""
    for name, limit in SUSPICIOUS.items():
        estimate = quality.figures.get(name)
        if estimate is not None and estimate.value - 3 * estimate.error > limit:
            text = f"{name} = {estimate.value:.2f}, above {limit}: samples repeat training images"
            return Note(
                "copies", text, "train on more images, or with weights='best', a smaller width or latent_dim"
            )
    return None
