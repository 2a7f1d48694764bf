"""The numbers of an evaluation as rows for people: label, value with its error, unit, meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vaekit.metrics import BESIDE, Metric, Under, known, metric_of
from vaekit.metrics.cutoffs import POOR

PARTS = (
    "annealing",
    "sandwich",
    "health",
    "reconstructions",
    "codes",
    "quality",
    "disentanglement",
)  # of an evaluation, after its likelihoods


@dataclass(frozen=True)
class Row:
    """One number.

    Attributes:
        key: under which the record has it.
        metric: what it is.
        value, error: and its standard error, if there is one; no value where it is not identified.
        interval: of 95 %, of a share.
        floor: what training images in the place of samples give, for the quality of samples.
        meaning: a sentence, with what the record adds to it.
    """

    key: str
    metric: Metric
    value: float | None
    error: float | None
    interval: tuple[float, float] | None
    floor: float | None
    meaning: str

    @property
    def label(self) -> str:
        return self.metric.label

    @property
    def unit(self) -> str:
        return self.metric.unit

    @property
    def text(self) -> str:
        """Value and error: `84.93 ± 0.23`; of a share the interval: `1.00 (0.99 to 1.00)`."""
        if self.value is None:
            return "not identified"
        if self.interval is not None:
            low, high = (self.metric.text(end) for end in self.interval)
            return f"{self.metric.text(self.value)} ({low} to {high})"
        error = "" if self.error is None else f" ± {self.metric.text(self.error)}"
        return self.metric.text(self.value) + error

    @property
    def floor_text(self) -> str:
        """The floor, or nothing where there is none."""
        return "" if self.floor is None else self.metric.text(self.floor)


def rows(evaluation: Mapping[str, Any]) -> list[Row]:
    """The rows of `Evaluation.as_dict()`, in its order; what says under which conditions it was made is left out."""
    under = under_of(evaluation)
    found = list(_rows(evaluation, under))
    for name in PARTS:
        found += _rows(evaluation.get(name, {}), under)
    return found


def reassurance(evaluation: Mapping[str, Any]) -> str:
    """Says of an `Evaluation.as_dict()` in which nothing was found wrong how far that goes; empty where something was,
    or no latent space was looked at."""
    health, looked = evaluation.get("health"), evaluation.get("looked_at")
    if not (health or looked) or evaluation["findings"]:
        return ""
    explained = 1.0 if not health else health["explained_variance"]
    line = "nothing wrong found" if looked else "nothing wrong found with the latent space"
    if explained < POOR:
        line = f"reconstructions explain no more than {max(explained, 0.0):.0%} of the variance; nothing else wrong found"
    if not looked:
        return line
    left = evaluation.get("not_looked_at")
    return f"{line}; looked at: {', '.join(looked)}" + (f"; not at: {', '.join(left)}" if left else "")


def under_of(evaluation: Mapping[str, Any]) -> Under:
    """Returns the conditions of an evaluation, by its own record."""
    likelihood, kind = evaluation.get("likelihood", ""), evaluation.get("likelihood_kind", "")
    own, drawn = evaluation.get("prior", ""), evaluation.get("samples_from", "")
    return Under(likelihood, kind, "classes" in evaluation, own, drawn)


def of_which_prior(evaluation: Mapping[str, Any]) -> str:
    """Says from which density of latents the samples of an `Evaluation.as_dict()` are, and of which its bounds are where
    that is another; empty in records of before that was kept."""
    under = under_of(evaluation)
    if not under.drawn:
        return ""
    if not under.two or not under.own:
        return f"samples from {under.drawn}"
    return f"samples from {under.drawn}; rate and bounds under {under.own} unless they say otherwise"


def _rows(values: Mapping[str, Any], under: Under) -> Iterator[Row]:
    for key, found in values.items():
        parts = found if isinstance(found, Mapping) else {"value": found}
        value, beside = parts.get("value"), key.endswith(tuple(BESIDE))
        why = parts.get("not_identified", "")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number or why) or beside or not known(key):
            continue
        metric = metric_of(key, under)
        if not metric.condition:
            error = parts.get("standard_error", values.get(f"{key}_se"))
            sentence = metric.sentence_with({**values, **parts})
            low, high = values.get(f"{key}_low"), values.get(f"{key}_high")
            interval = None if low is None or high is None else (low, high)
            sentence = f"{why[:1].upper()}{why[1:]}. {sentence}" if why else sentence
            yield Row(key, metric, value, error, interval, values.get(f"{key}_floor"), sentence)
