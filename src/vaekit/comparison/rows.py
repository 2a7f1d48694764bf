"""The rows of the table, and what all runs of a method come to: mean and spread over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from vaekit.comparison.fairness import Runs, withheld
from vaekit.metrics import BITS, HIGHER, METRICS, NEITHER, ONE, Metric, Under, key_under, metric_of

STABILITY, SHARP, QUALITY, MODES = "Training stability", "Sharpness", "Image quality", "Mode coverage"
REBUILT, LATENT, DENSITY, COST = "Reconstruction", "Latent space", "Density", "Cost"
SIZE = BITS[:1].upper() + BITS[1:]
ROWS: dict[str, str] = {  # key of METRICS -> the lesson's word for it, in the order of the table
    "diverged": STABILITY, "fd_spread": STABILITY, "mse_spread": STABILITY,
    "sharpness": SHARP,
    "fd": QUALITY, "kd": QUALITY, "precision": QUALITY, "density": QUALITY,
    "recall": MODES, "coverage": MODES, "least_class": MODES, "class_evenness": MODES, "as_asked": MODES,
    "reconstruction_mse": REBUILT,
    "knn_accuracy": LATENT, "probe_accuracy": LATENT, "midpoint_fd": LATENT, "midpoint_precision": LATENT,
    "normal_fd": LATENT, "normal_precision": LATENT, "fitted_fd": LATENT, "fitted_precision": LATENT,
    "active_units": LATENT, "aggregate_total_correlation_nats": LATENT, "total_correlation_from_moments_nats": LATENT,
    "nll_nats": DENSITY,
    "lossless_bits": SIZE, "code_bits": SIZE, "code_mse": SIZE,
    "processor_seconds": COST, "train_seconds": COST, "prior_seconds": COST,
    "steps": COST, "epochs": COST, "prior_epochs": COST, "parameters": COST, "prior_parameters": COST,
}  # fmt: skip
SPREADS = {"fd_spread": "fd", "mse_spread": "reconstruction_mse"}
OF_PIXELS = ("reconstruction_mse", "mse_spread", "code_mse")  # rows of the pixels that a model was shown

ROUNDING = 1e-12  # relative


@dataclass(frozen=True)
class Spread:
    """A figure over the seeds of a method.

    Attributes:
        mean: over seeds.
        deviation: standard deviation over seeds; None for a single one, whole numbers that are all alike, or a number.
        count: seeds; 0 of a number that is no figure of any.
    """

    mean: float
    deviation: float | None
    count: int

    @property
    def single(self) -> bool:
        """Returns whether it is of one seed, so that its spread is unknown."""
        return self.count == 1 and self.deviation is None


def spread_of(values: Sequence[float]) -> Spread:
    """Mean and standard deviation of one figure's values; whole numbers that are all alike have no spread, and others that
    are alike but for rounding one of 0."""
    if all(isinstance(value, int) and value == values[0] for value in values):
        return Spread(values[0], None, len(values))
    deviation = statistics.stdev(values) if len(values) > 1 else None
    if deviation is not None and deviation <= ROUNDING * max(map(abs, values)):
        deviation = 0.0
    return Spread(statistics.fmean(values), deviation, len(values))


@dataclass(frozen=True)
class Table:
    """Every figure of every method.

    Attributes:
        figures: method -> name -> spread; what a method does not define is absent.
        failures: method -> seed -> why it failed.
        notes: method -> why figures are absent.
        likelihoods: method -> (likelihood, its kind).
        withheld: why no method is called best and no claim judged, or "".
        binarised: whether the models were shown grey images as binary ones.
        counts: runs of each method, those that failed too.
        measured: figure -> how many images and draws it is of.
    """

    figures: Mapping[str, Mapping[str, Spread]]
    failures: Mapping[str, Mapping[int, str]]
    notes: Mapping[str, Sequence[str]]
    likelihoods: Mapping[str, tuple[str, str]]
    withheld: str = ""
    binarised: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    measured: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def get(self, method: str, name: str) -> Spread | None:
        return self.figures.get(method, {}).get(name)

    @property
    def methods(self) -> list[str]:
        return list(self.figures)

    def best(self, name: str) -> list[str]:
        """Methods with the best mean, where one is better than another."""
        if self.withheld:
            return []
        metric = METRICS[name]
        found = {m: row[name].mean for m, row in self.figures.items() if name in row}
        if metric.likelihood and len({self.likelihoods[method] for method in found}) > 1:
            return []  # nats under different likelihoods say nothing of one another
        if metric.better == NEITHER or len(found) < 2:
            return []
        cost = {m: rank(value, metric.better) for m, value in found.items()}
        least = min(cost.values())
        return [m for m, value in cost.items() if value == least] if least < max(cost.values()) else []


def metric_in(name: str, table: Table) -> Metric:
    """Returns the entry of a row, worded for what was measured: of what is no likelihood nothing is a −log p(x), and the
    squared error of models that were shown binarised pixels says so."""
    found = METRICS[name]
    under = {
        table.likelihoods[m] for m, row in table.figures.items() if name in row and m in table.likelihoods
    }
    if found.likelihood and len(under) == 1:
        conditions = Under(*under.pop())
        found = metric_of(key_under(name, conditions), conditions)
    said = ", of binarised pixels" * (table.binarised and name in OF_PIXELS)
    return replace(found, label=found.label + said)


def label(name: str, table: Table) -> str:
    """Returns what a row is called."""
    return metric_in(name, table).label


def rank(value: float, better: str) -> float:
    """A number that is smaller for a better value."""
    if better == ONE:
        return abs(math.log(value)) if value > 0 else math.inf
    return -value if better == HIGHER else value


def tabulate(records: Runs, budget: float | None = None) -> Table:
    """The table of all records: method -> seed -> what `measure` returned, or {"failed": why}.

    Args:
        budget: processor seconds that each run was to have, if that was its length.
    """
    figures, failures, notes, likelihoods = {}, {}, {}, {}
    for method, runs in records.items():
        failures[method] = {seed: run["failed"] for seed, run in runs.items() if "failed" in run}
        good = [run for run in runs.values() if "failed" not in run]
        names = [name for name in ROWS if all(name in run["figures"] for run in good)] if good else []
        row = {name: spread_of([run["figures"][name] for run in good]) for name in names}
        row["diverged"] = Spread(len(failures[method]), None, 1)
        for name, source in SPREADS.items():
            found = row.get(source)
            if found is not None and found.deviation is not None and found.mean:
                row[name] = Spread(found.deviation / abs(found.mean), None, 1)
        figures[method] = row
        notes[method] = list(dict.fromkeys(note for run in good for note in run["notes"].values()))
        known = [(run["likelihood"], run["likelihood_kind"]) for run in good if "likelihood" in run]
        if known:
            likelihoods[method] = known[0]
    counts = {method: len(runs) for method, runs in records.items()}
    binarised = any(run.get("binarised") for runs in records.values() for run in runs.values())
    measured: dict[str, Mapping[str, int]] = {}
    for run in (run for runs in records.values() for run in runs.values()):
        measured |= run.get("measured", {})
    return Table(
        figures, failures, notes, likelihoods, withheld(budget, records), binarised, counts, measured
    )
