"""The figures of a split, from the terms that were measured of it."""

from __future__ import annotations

from collections.abc import Mapping

from vaekit.data import Data, Split
from vaekit.distributions.likelihoods import measured_under
from vaekit.metrics import in_bits
from vaekit.models import Model
from vaekit.runs.records import SplitSummary


def split_summary(
    split: Split, terms: Mapping[str, float | list[float]], model: Model, data: Data
) -> SplitSummary:
    """Every term but those by dimension, and the bounds in bits where they are bits."""
    single = {key: value for key, value in terms.items() if not isinstance(value, list)}
    under = measured_under(model.likelihood_name)
    bits = in_bits(terms, under.kind, data.pixels, data.dimensions)
    return SplitSummary(len(split), single | bits)
