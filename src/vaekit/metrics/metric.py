"""The record of a number: what it is called, its unit, which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from string import Formatter
from typing import Literal

Better = Literal["lower", "higher", "near 0", "near 0.01", "near 1", ""]

LOWER, HIGHER, ONE, NEITHER = "lower", "higher", "near 1", ""

COUNTS = ("numbers", "updates")  # units that nobody needs beside a count

NATS, BITS, BITS_PER_DIM = "nats per image", "bits per image", "bits/dim"


@dataclass(frozen=True)
class Metric:
    """The description of a number.

    Attributes:
        label: its name for people.
        unit: in which it is given.
        meaning: one sentence.
        better: which way; "" where neither is.
        symbol: what it is in formulas.
        short: in the progress line; "" keeps it out of there.
        likelihood: it contains log p(x|z), so that its unit names the kind of the likelihood.
        bound: it bounds or estimates −log p(x) of an image, so that bits may be given too (`in_bits`).
        drawn: it has a panel among the curves of a training.
        family: it is measured in features, whose name follows the key: `fd_mnist_v1`.
        condition: it says under which conditions others were measured and is no result itself.
        digits: after the point, or significant ones of a small value.
        unbound: its meaning where the likelihood is none, so that it bounds no −log p(x).
        detail: what a record adds to the meaning, with names of its values in braces.
    """

    label: str
    unit: str
    meaning: str
    better: Better = ""
    symbol: str = ""
    short: str = ""
    likelihood: bool = False
    bound: bool = False
    drawn: bool = False
    family: bool = False
    condition: bool = False
    digits: int = 2
    detail: str = ""
    unbound: str = ""

    def of_none(self, name: str) -> Metric:
        """Returns the entry under what is no likelihood, which has no p(x|z).

        Args:
            name: of what stands in the place of the likelihood.
        """
        symbol = self.symbol.replace("−log p(x|z)", f"{name}(x, z)")
        return replace(self, meaning=self.unbound or self.meaning, symbol=symbol)

    @property
    def direction(self) -> str:
        """`lower is better`; empty where neither is."""
        return f"{self.better} is better" if self.better else ""

    @property
    def heading(self) -> str:
        """The label with a capital."""
        return self.label[:1].upper() + self.label[1:]

    @property
    def unit_apart(self) -> str:
        """The unit, where it says more than the label: epochs are counted in epochs."""
        return "" if self.unit in COUNTS or self.label.split(" ")[0] == self.unit else self.unit

    @property
    def title(self) -> str:
        """`Rate: KL(q(z|x) ‖ p(z))`."""
        return f"{self.heading}: {self.symbol}" if self.symbol else self.heading

    @property
    def sentence(self) -> str:
        """Symbol, meaning and direction."""
        return self.sentence_with({})

    def sentence_with(self, values: Mapping[str, object]) -> str:
        """The sentence with its detail, where the values are there that it names."""
        said = self.meaning
        if self.symbol and said:
            said = f"{self.symbol}: {said[:1].lower()}{said[1:]}"
        named = {name for _, name, _, _ in Formatter().parse(self.detail) if name}
        detail = f"{self.detail.format_map(values)}." if named and named <= values.keys() else ""
        direction = f"{self.direction.capitalize()}." if self.better else ""
        return " ".join(filter(None, (said, detail, direction)))

    def text(self, value: float | None) -> str:
        """A value: whole numbers with separators, others with `digits` decimals, or as many digits when small."""
        if value is None:
            return "–"
        if isinstance(value, int) or value == 0:
            return f"{value:,.0f}"
        return f"{value:,.{self.digits}f}" if abs(value) >= 0.1 else f"{value:.{self.digits}g}"
