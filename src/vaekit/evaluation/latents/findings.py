"""Finds what is wrong with a latent space; each finding names a remedy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vaekit.evaluation.latents.health import Health
from vaekit.metrics import DEAD_NATS, IDLE_NATS
from vaekit.metrics.cutoffs import FAINT, LITTLE, NOTHING, ONE_CODE, POOR
from vaekit.networks.quantizers import used_codes
from vaekit.runs.load import Run
from vaekit.runs.records import Note
from vaekit.training.evidence import Evidence
from vaekit.training.verdict import notes_on

FAR = 0.1  # of the rate: a distance from the prior, or a gap to the training images, that matters


def findings(
    health: Health, notes: Sequence[Note] = (), chosen: bool = False, fitted: bool = False
) -> list[Note]:
    """Returns what is wrong with a latent space; empty for a healthy one.

    Args:
        notes: on the training, where it is known. Where there is one, unused dimensions are no collapse yet, or it has
            said so.
        chosen: whether validation chose the weights, of all that training went through: a gap to training images that is
            left then is a remark.
        fitted: whether a prior was fitted to the latents, from which samples are drawn.
    """
    found = [
        None if notes else _collapse(health) or _noise(health) or _nothing(health),
        None if fitted else _far_from_prior(health),
        None if chosen else _overfit(health),
    ]
    return [finding for finding in found if finding is not None]


def remarks(health: Health, chosen: bool = False, fitted: bool = False) -> list[Note]:
    """Returns what is no fault and yet good to know; arguments as in `findings`."""
    if health.alike:
        return []
    said = [
        None if fitted else _no_prior(health),
        _overgrown(health),
        _overfit_in_part(health) if chosen else None,
    ]
    return [remark for remark in said if remark is not None]


def run_notes(run: Run, explained: float | None, samples: float | None) -> list[Note]:
    """Notes on the training of a run: those kept with it, or of a run of before there were notes, made now.

    Args:
        explained, samples: explained variance and variance of samples, where they were measured.
    """
    if run.summary is None:
        done = run.metrics[-1].step if run.metrics else 0
        text = f"the training has not ended: what is measured here is of about {done:,} steps"
        return [Note("not ended", text, f"resume it: vaekit resume {run.path}")]
    if run.summary.notes is not None:
        return list(run.summary.notes)
    shares = {"explained_variance": explained, "sample_variance": samples}
    measured = {name: value for name, value in shares.items() if value is not None}
    return list(notes_on(Evidence.of_run(run.config, run.metrics, run.summary, measured)))


def chosen_by_validation(run: Run) -> bool:
    """Returns whether the weights of a run are those that validation found best."""
    return run.summary is not None and run.summary.weights.which == "best"


def _nothing(health: Health) -> Note | None:
    """Reconstructions that are hardly better than the mean of the images."""
    if health.explained >= NOTHING:
        return None
    text = f"reconstructions explain {max(0.0, health.explained):.0%} of the variance: nothing was learned"
    return Note("nothing", text, "train for more steps, or at another learning_rate")


def _no_prior(health: Health) -> Note | None:
    if health.has_prior:
        return None
    spread = [math.sqrt(value) for value in health.variance_of_means]
    distance = "" if health.moments_kl is None else f", {health.moments_kl:.1f} nats or more from N(0, I)"
    return Note(
        "no prior",
        f"the latents follow no prior: their standard deviations run from {min(spread):.2g} to {max(spread):.2g}"
        f"{distance}, so there is nothing to sample from",
        "train a vae instead, or fit a density to the latents",
    )


def _collapse(health: Health) -> Note | None:
    """Latents that carry nothing: each of them, all of them together, or a part that is missed in the reconstructions."""
    if health.kl_by_dimension is None or health.rate is None:
        return None
    total, rate = len(health.kl_by_dimension), health.rate.value
    unused = sum(value < DEAD_NATS for value in health.kl_by_dimension)
    missed = health.explained < POOR
    empty = rate < IDLE_NATS or (rate < FAINT and health.explained < LITTLE)
    idle = unused == total and (missed or rate < FAINT)
    if not (empty or idle or (missed and unused >= 0.25 * total)):
        return None
    seen = f"reconstructions explain {max(0.0, health.explained):.0%} of the pixels' variance"
    what = f"{unused} of {total} dimensions carry less than {DEAD_NATS} nats: posterior collapse"
    if unused < total and empty:
        what = f"all {total} dimensions together carry {rate:.2g} nats: posterior collapse"
    return Note("collapse", f"{what}; {seen}", "try free_bits=0.5, kl_warmup=0.3 or a smaller beta")


def _noise(health: Health) -> Note | None:
    """Latents that carry much, of which the reconstructions use nothing."""
    if health.rate is None or health.explained >= NOTHING or health.rate.value < FAINT:
        return None
    text = (
        f"the latents carry {health.rate.value:.2f} nats per image, and reconstructions explain "
        f"{max(0.0, health.explained):.0%} of the variance: the decoder does not use them"
    )
    return Note("noise", text, "train for more steps, or at a tenth of the learning_rate")


def _overgrown(health: Health) -> Note | None:
    """More dimensions than the images need, while reconstructions are good."""
    if health.kl_by_dimension is None or health.explained < POOR:
        return None
    total = len(health.kl_by_dimension)
    needed = sum(value >= IDLE_NATS for value in health.kl_by_dimension)
    if total - needed <= total / 2 or needed == 0:
        return None
    return Note(
        "spare dimensions",
        f"{total - needed} of {total} dimensions carry less than {IDLE_NATS} nats while reconstructions explain "
        f"{health.explained:.0%} of the pixels' variance: more dimensions than these images need",
        f"latent_dim={math.ceil(1.25 * needed)} should do as well",
    )


def _far_from_prior(health: Health) -> Note | None:
    """Latents whose mean and covariance are not the prior's, beyond the error of so few images."""
    if not health.has_prior or health.rate is None or health.moments_kl is None:
        return None
    dimensions = len(health.variance_of_means)
    by_chance = dimensions * (dimensions + 3) / (4 * health.images)  # expected for draws of the prior itself
    if health.moments_kl <= by_chance + max(1.0, FAR * health.rate.value):
        return None
    return Note(
        "far from the prior",
        f"the latents of all images lie {health.moments_kl:.1f} nats or more from the prior, which samples "
        "are drawn from: samples will not look like the images",
        "fit a density to the latents (vaekit prior), or raise beta if it is below 1",
    )


def _gap(health: Health) -> str:
    """Says by how much training images are known better, where that is clear and matters beside the rate; else ""."""
    if health.gap is None or health.rate is None:
        return ""
    gap, error = health.gap
    if gap <= 3 * error or gap <= FAR * health.rate.value:
        return ""
    return f"the negative ELBO is {gap:.2f} ± {error:.2f} nats higher here than on training images"


def _overfit(health: Health) -> Note | None:
    """Training images that the model knows by heart, wholly or in part."""
    said = _gap(health)
    remedy = "try fewer epochs, patience=5, a smaller width, or more images"
    return Note("overfitting", f"{said}: the network learns them by heart", remedy) if said else None


def _overfit_in_part(health: Health) -> Note | None:
    """The same under weights that validation chose, the best of their training: that is no shorter one's fault."""
    said = _gap(health)
    remedy = "more images would help; fewer steps would not, since validation chose the weights"
    return Note("overfitting", f"{said}, which the model knows in part by heart", remedy) if said else None


@dataclass(frozen=True)
class CodeUsage:
    """The usage of a codebook.

    Attributes:
        codes: its size.
        used: codes that occur at all.
        perplexity: effective number of codes: exp of the entropy of their frequencies.
    """

    codes: int
    used: int
    perplexity: float

    @classmethod
    def of(cls, counts: Tensor) -> CodeUsage:
        """From how often each code occurs, (K,)."""
        return cls(len(counts), *used_codes(counts))

    def as_dict(self) -> dict[str, Any]:
        share = self.used / self.codes
        return {"codes": self.codes, "code_usage": share, "code_perplexity": self.perplexity}

    def findings(self) -> list[Note]:
        """Returns a finding where most of the codebook is dead, or one code stands for nearly everything."""
        if self.codes > 2 and self.perplexity < ONE_CODE and self.used >= 0.5 * self.codes:
            text = f"{self.codes} codes have a perplexity of {self.perplexity:.2f}: one of them stands for nearly everything"
            return [
                Note(
                    "codes",
                    text,
                    "take revive=True and kmeans=True, or quantizer='fsq', which cannot collapse",
                )
            ]
        if self.used >= 0.5 * self.codes:
            return []
        text = f"{self.codes - self.used} of {self.codes} codes are never used"
        return [Note("codes", text, f"codes={2 ** math.ceil(math.log2(self.used))} should do as well")]
