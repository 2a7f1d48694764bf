"""`cards`: two or more cards side by side, where they were measured on the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.core import SettingError
from vaekit.evaluation.cards.card import HASHES, Card, read_card
from vaekit.evaluation.cards.paired import jackknife_error
from vaekit.metrics import Metric, metric_of


@dataclass(frozen=True)
class Difference:
    """One figure of two cards.

    Attributes:
        key: of the figure.
        value: the other card's figure less the first card's.
        error: standard error of the difference over the same images; None where there is one image.
    """

    key: str
    value: float
    error: float | None

    @property
    def metric(self) -> Metric:
        return metric_of(self.key)


@dataclass(frozen=True)
class Cards:
    """Cards that share all hashes.

    Attributes:
        names: of the cards.
        cards: the first is the one that the others are compared with.
        differences: of each of the others from the first, figure by figure, those that both have.

    Example:
        >>> cards = [vaekit.card(path, features=None, progress="none") for path in ("runs/first", "runs/second")]
        >>> [difference.key for difference in vaekit.cards(cards).differences[0]]
        ['mse', 'psnr_db', 'ssim', 'rate_bits']
    """

    names: tuple[str, ...]
    cards: tuple[Card, ...]
    differences: tuple[tuple[Difference, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        listed = [
            {one.key: {"value": one.value, "standard_error": one.error} for one in found}
            for found in self.differences
        ]
        cards = [card.as_dict() for card in self.cards]
        return {
            "names": list(self.names),
            "cards": cards,
            "differences": dict(zip(self.names[1:], listed, strict=True)),
        }


def cards(cards: Sequence[Card | str | Path]) -> Cards:
    """Puts cards side by side, with the differences of their figures from the first card's and their standard errors.

    Args:
        cards: two or more, or files of `card`; measured on the same data, crop, split and features.

    Returns:
        The cards, and the differences of their figures.

    Raises:
        SettingError: fewer than two, or cards of other data, crop, split or features; names the first that differs.
        RunError: a file is missing, damaged, or no card.

    Example:
        >>> first = vaekit.card(run, features=None, progress="none")
        >>> second = vaekit.card("runs/second", features=None, progress="none")
        >>> vaekit.cards([first, second]).names
        ('card 1', 'card 2')
    """
    if isinstance(cards, str | Path) or len(cards) < 2:
        raise SettingError("two cards or more are compared; name their files.")
    found = [one if isinstance(one, Card) else read_card(one) for one in cards]
    names = [f"card {n}" if isinstance(one, Card) else str(one) for n, one in enumerate(cards, 1)]
    for name, other in zip(names[1:], found[1:], strict=True):
        check_same(found[0], other, names[0], name)
    differences = [_differences(found[0], other) for other in found[1:]]
    return Cards(tuple(names), tuple(found), tuple(differences))


def check_same(first: Card, other: Card, name: str, others: str) -> None:
    """Raises SettingError when two cards were not measured on the same; names the first hash that differs."""
    for key, what in HASHES.items():
        if first.hashes.get(key) != other.hashes.get(key):
            pair = (f"{card.about.get(key)} ({str(card.hashes.get(key))[:8]})" for card in (first, other))
            raise SettingError(
                f"{name} and {others} cannot be compared: other {key}, {what}: {' and '.join(pair)}; measure both on the same."
            )


def _differences(first: Card, other: Card) -> tuple[Difference, ...]:
    found = []
    for key, figure in first.figures.items():
        theirs = other.figures.get(key)
        if theirs is None:
            continue
        pairs = list(zip(theirs.without, figure.without, strict=False))
        error = jackknife_error([b - a for b, a in pairs]) if len(pairs) > 1 else None
        found.append(Difference(key, theirs.value - figure.value, error))
    return tuple(found)
