"""The figures of a split, from the terms that were measured of it; and notes on a training that has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from vaekit.data import Data, Split
from vaekit.distributions.likelihoods import measured_under
from vaekit.metrics import in_bits
from vaekit.models import Model
from vaekit.runs.records import MetricLine, SplitSummary, Summary
from vaekit.training.evidence import Evidence, figures_of
from vaekit.training.learned import learned
from vaekit.training.verdict import notes_on


def split_summary(
    split: Split, terms: Mapping[str, float | list[float]], model: Model, data: Data
) -> SplitSummary:
    """Every term but those by dimension, the bounds in bits where they are bits, and what the model has learned."""
    single = {key: value for key, value in terms.items() if not isinstance(value, list)}
    under = measured_under(model.likelihood_name)
    bits = in_bits(terms, under.kind, data.pixels, data.dimensions)
    return SplitSummary(len(split), single | bits | learned(model, split))


def judged(
    summary: Summary,
    settings: Mapping[str, Any],
    data: Data,
    lines: Sequence[MetricLine],
    planned: int,
    criterion: str | None,
    started: bool = False,
) -> Summary:
    """The summary with its notes.

    Args:
        settings: every option, flat, as used.
        lines: of metrics.jsonl.
        planned: steps that were to be made.
        criterion: of the objective.
        started: whether training began with the weights of another run.
    """
    seen = None if data.test.labels is None else (data.classes, len(torch.unique(data.test.labels)))
    images, figures = len(data.train), figures_of(summary)
    run = Evidence(settings, images, summary.steps, planned, lines, criterion, figures, seen, started)
    return replace(summary, notes=notes_on(run))
