"""METRICS: every number that is trained by, measured, compared or shown, once. Imports no torch.

Terminal, progress line, report, figures, comparison and explorer render an entry and keep no wording, unit or
direction of their own. A new number is one line in `entries`; without one it is shown by its key (`metric_of`).
"""

from vaekit.metrics.cutoffs import ACTIVE_VARIANCE, DEAD_NATS, IDLE_NATS, VOTING_VARIANCE
from vaekit.metrics.entries import METRICS
from vaekit.metrics.kinds import KINDS, PLAIN, Kind, Under, key_under
from vaekit.metrics.lookup import BESIDE, bits_per_dimension, has_bits, in_bits, known, metric_of
from vaekit.metrics.metric import BITS, BITS_PER_DIM, HIGHER, LOWER, NATS, NEITHER, ONE, Metric
from vaekit.metrics.of_prior import prior_of, under_fitted

__all__ = [
    "ACTIVE_VARIANCE", "BESIDE", "BITS", "BITS_PER_DIM", "DEAD_NATS", "HIGHER", "IDLE_NATS", "KINDS", "LOWER", "METRICS", "NATS",
    "NEITHER", "ONE", "PLAIN", "VOTING_VARIANCE", "Kind", "Metric", "Under", "bits_per_dimension", "has_bits", "in_bits",
    "key_under", "known", "metric_of", "prior_of", "under_fitted",
]  # fmt: skip
