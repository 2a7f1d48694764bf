"""Judges sentences about methods by figures. `lesson_claims` has the sentences.

A sentence is one or several expectations. An expectation holds where the figures bear it out clearly,
and does not hold where they bear out the opposite as clearly; else it depends. Clearly: the means
differ by more than chance explains with as few seeds (`chance`), and by more than 5 % of the
larger. A sentence holds if all its expectations do, does not hold here if none does and none is open,
else depends.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from vaekit.comparison.chance import LEVEL, f_share, half_width, same_rate
from vaekit.comparison.rows import Spread, Table, label, rank
from vaekit.config.methods import METHODS
from vaekit.metrics import HIGHER, KINDS, LOWER, METRICS

HOLDS, FAILS, DEPENDS = "holds", "does not hold here", "depends"
RULE = (
    "An expectation counts as clear if the means differ significantly over the seeds, by Welch's t test at 5 % (two-sided: "
    "Student's t with the degrees of freedom that so few seeds leave, 2.8 to 4.3 standard errors of the difference for "
    "three seeds each), and by more than 5 % of the larger mean. A single seed beside several is taken to vary as those do; "
    "of a single seed of each there is no error, and the 5 % alone decide. Where several methods are named, the best "
    "of them counts. Numbers of failed runs are compared by Fisher's exact test at 5 %, standard deviations by the F test at "
    "5 % (both two-sided), so that few seeds decide nothing. A claim holds if all its expectations are clearly met, does not "
    "hold here if the opposite of all is clear, and depends otherwise."
)
LABELLED = {
    name for name, method in METHODS.items() if method.labels
}  # no fair comparison with those that are not
OTHERS = "every other method without labels"


@dataclass(frozen=True)
class Judged:
    """One expectation, judged by the figures.

    Attributes:
        verdict: HOLDS, FAILS or DEPENDS.
        expected: in words.
        found: the figures.
    """

    verdict: str
    expected: str
    found: str


class Expectation(ABC):
    """A statement of a sentence about figures."""

    needs: tuple[str, ...]

    @abstractmethod
    def judge(self, table: Table) -> Judged | None:
        """None where the figures are missing."""


@dataclass(frozen=True)
class Compares(Expectation):
    """A figure of one method (or of the best of several) is lower or higher than another's, or than a number.

    Attributes:
        name: key of METRICS.
        these: methods, of which the best counts.
        direction: LOWER or HIGHER.
        than: methods, of which the best counts; a number; or OTHERS.
        margin: share of the larger mean by which they must differ.
    """

    name: str
    these: tuple[str, ...]
    direction: str
    than: tuple[str, ...] | float | str
    margin: float = 0.05

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        return (*self.these, *(self.than if isinstance(self.than, tuple) else ()))

    def judge(self, table: Table) -> Judged | None:
        ours = self._best(table, self.these)
        if isinstance(self.than, float):
            theirs = ("", Spread(self.than, None, 0))
        else:
            rest = tuple(m for m in table.methods if m not in self.these and m not in LABELLED)
            theirs = self._best(table, self.than if isinstance(self.than, tuple) else rest)
        if ours is None or theirs is None:
            return None
        (our_method, a), (their_method, b) = ours, theirs
        named = f"{b.mean:.3g}" if isinstance(self.than, float) else f"for {self._named(self.than)}"
        expected = f"{label(self.name, table)} {self.direction} for {' or '.join(self.these)} than {named}"
        found = f"{our_method} {short(a)}"
        if their_method:
            found += f", {their_method} {short(b)}"
        return Judged(clear(a, b, self.direction, self.margin), expected, found)

    def _best(self, table: Table, methods: Sequence[str]) -> tuple[str, Spread] | None:
        found = {m: spread for m in methods if (spread := table.get(m, self.name)) is not None}
        if not found:
            return None
        best = min(found, key=lambda m: rank(found[m].mean, self.direction))
        return best, found[best]

    @staticmethod
    def _named(than: tuple[str, ...] | float | str) -> str:
        return " or ".join(than) if isinstance(than, tuple) else str(than)


@dataclass(frozen=True)
class Defined(Expectation):
    """A method defines a figure, or does not."""

    name: str
    method: str
    wanted: bool = True

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.method,)

    def judge(self, table: Table) -> Judged | None:
        row = table.figures.get(self.method)
        if row is None or "parameters" not in row:  # no run of it has ended
            return None
        there = self.name in row
        expected = f"“{METRICS[self.name].label}”{'' if self.wanted else ' not'} defined for {self.method}"
        found = f"{self.method} {short(row[self.name])}" if there else f"{self.method}: not defined"
        return Judged(HOLDS if there == self.wanted else FAILS, expected, found)


@dataclass(frozen=True)
class LessVariance(Expectation):
    """Fewer runs of one method fail than of another; of equals the quality varies less over the seeds.

    Fisher's exact test of the failures, and the F test of the variances of figures over their means (taken as normal, the
    means as known), both at 5 % and two-sided.
    """

    method: str
    other: str

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.method, self.other

    def judge(self, table: Table) -> Judged | None:
        ours, theirs = (len(table.failures[m]) for m in (self.method, self.other))
        if ours == theirs:
            return self._by_spread(table)
        expected = f"fewer failed runs of {self.method} than of {self.other}"
        count, other = (table.counts[m] for m in (self.method, self.other))
        found = f"{self.method} {ours} of {count}, {self.other} {theirs} of {other}"
        clear = same_rate(ours, count, theirs, other) <= LEVEL
        return Judged(DEPENDS if not clear else HOLDS if ours < theirs else FAILS, expected, found)

    def _by_spread(self, table: Table) -> Judged | None:
        known, found = [], []
        for method in (self.method, self.other):
            spread, over = table.get(method, "fd_spread"), table.get(method, "fd")
            if spread is None or over is None:
                return None
            known.append((spread.mean, over.count - 1))
            found.append(f"{method} {figure(spread.mean)}, {over.count} seeds")
        expected = f"{METRICS['fd_spread'].label} lower for {self.method} than for {self.other}"
        (ours, above), (theirs, below) = known
        share = f_share(ours**2, theirs**2, above, below)
        verdict = HOLDS if share < LEVEL / 2 else FAILS if share > 1 - LEVEL / 2 else DEPENDS
        return Judged(verdict, expected, "; ".join(found))


@dataclass(frozen=True)
class HasDensity(Expectation):
    """A method's density is a likelihood of the pixels; under bce it depends on what one calls a density."""

    method: str

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.method,)

    def judge(self, table: Table) -> Judged | None:
        found = table.get(self.method, "nll_nats")
        if found is None:
            return None
        name, kind = table.likelihoods[self.method]
        expected = f"{METRICS['nll_nats'].label} of {self.method} bounded"
        verdict = HOLDS if KINDS[kind].bounds else DEPENDS
        return Judged(verdict, expected, f"{short(found)} nats under {name}, {KINDS[kind].called}")


@dataclass(frozen=True)
class Claim:
    """A sentence of the lesson.

    Attributes:
        section: where it stands.
        text: what it says.
        expectations: what it says about figures.
    """

    section: str
    text: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True)
class Verdict:
    """A claim and what became of it; `verdict` None where methods or figures are missing."""

    claim: Claim
    verdict: str | None
    judged: tuple[Judged, ...]
    missing: str = ""


def lower(name: str, these: str, than: str | float, margin: float = 0.05) -> Compares:
    return Compares(name, tuple(these.split()), LOWER, _than(than), margin)


def higher(name: str, these: str, than: str | float, margin: float = 0.05) -> Compares:
    return Compares(name, tuple(these.split()), HIGHER, _than(than), margin)


def _than(than: str | float) -> tuple[str, ...] | float | str:
    return than if isinstance(than, float) or than == OTHERS else tuple(str(than).split())


def judge(claim: Claim, table: Table) -> Verdict:
    """One claim. Where a method it speaks of was not compared, or methods had not the same time, there is no verdict."""
    if table.withheld:
        return Verdict(claim, None, (), table.withheld)
    named = [method for expectation in claim.expectations for method in expectation.needs]
    if absent := [method for method in dict.fromkeys(named) if method not in table.figures]:
        return Verdict(claim, None, (), f"not compared: {', '.join(absent)}")
    judged = [expectation.judge(table) for expectation in claim.expectations]
    known = tuple(one for one in judged if one is not None)
    if len(known) < len(judged):
        return Verdict(claim, None, known, "its figures were not all measured")
    verdicts = {one.verdict for one in known}
    return Verdict(claim, verdicts.pop() if len(verdicts) == 1 else DEPENDS, known)


def clear(a: Spread, b: Spread, direction: str, margin: float) -> str:
    """Returns whether a is clearly on that side of b, clearly on the other, or neither."""
    difference = b.mean - a.mean if direction == LOWER else a.mean - b.mean
    least = max(half_width(a, b), margin * max(abs(a.mean), abs(b.mean)))
    return HOLDS if difference > least else FAILS if difference < -least else DEPENDS


def short(spread: Spread) -> str:
    """`4.27 ± 0.11`, the standard deviation over seeds after the sign."""
    mean = figure(spread.mean)
    return mean if spread.deviation is None else f"{mean} ± {figure(spread.deviation, 2)}"


def figure(value: float, digits: int = 3) -> str:
    """As many digits, or whole numbers with separators."""
    if (value == int(value) and abs(value) >= 10) or value == 0:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 10**digits - 0.5 else f"{value:.{digits}g}"
