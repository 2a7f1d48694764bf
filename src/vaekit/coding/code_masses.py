"""Masses of codes, as whole numbers: under a fitted prior, or as often as each was seen at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vaekit.coding.attention import EXP, Array, Past, exponential
from vaekit.coding.exact_prior import Cache, Codes, ExactPrior, PriorShape
from vaekit.core import DataError

BITS = 24  # frequencies have the sum 2**24


class CodeMasses(Protocol):
    """Says how likely codes are.

    Attributes:
        classes: frequencies of the classes it is conditioned on, of sum 2**24; one class where there are none.
        sizes: places of a grid, and K.
    """

    classes: Codes
    sizes: tuple[int, int]

    def all(self, codes: Codes, y: Codes) -> Array:
        """Frequencies of the codes of every place given those before it, of sum 2**24, at least 1: (B, n), (B,) -> (B, n, K)."""
        ...

    def next(self, codes: Codes, y: Codes, cache: Cache) -> Array:
        """Frequencies at one more place, (B, K), the same as `all` has there; the cache grows by it."""
        ...

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """A description, JSON-able, and arrays of integers, for `masses_from`."""
        ...


class FittedCodes:
    """As a prior says.

    Args:
        prior: in exact arithmetic.
        classes: as in `CodeMasses`.
    """

    def __init__(self, prior: ExactPrior, classes: Codes) -> None:
        self.prior, self.classes = prior, classes
        self.sizes = prior.shape.positions, prior.shape.codes

    def all(self, codes: Codes, y: Codes) -> Array:
        """As `CodeMasses.all`."""
        return frequencies(self.prior.logits(codes, y))

    def next(self, codes: Codes, y: Codes, cache: Cache) -> Array:
        """As `CodeMasses.next`."""
        return frequencies(self.prior.next(codes, y, cache))

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """As `CodeMasses.to_arrays`."""
        return {"prior": asdict(self.prior.shape)}, {"classes": self.classes, **self.prior.stored}


class CountedCodes:
    """As often as each code was seen at its place, whatever the others are.

    Args:
        table: (n, K) frequencies of sum 2**24, each at least 1.
    """

    def __init__(self, table: Codes) -> None:
        self.table = table
        self.sizes = table.shape[0], table.shape[1]
        self.classes = np.array([1 << BITS], np.int64)
        self._masses = table.astype(np.float64)

    def all(self, codes: Codes, y: Codes) -> Array:
        """As `CodeMasses.all`."""
        return np.broadcast_to(self._masses, (len(codes), *self._masses.shape))

    def next(self, codes: Codes, y: Codes, cache: Cache) -> Array:
        """As `CodeMasses.next`; the length of the cache is the place."""
        cache.append(Past(0))
        return np.broadcast_to(self._masses[len(cache) - 1], (len(codes), self._masses.shape[1]))

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """As `CodeMasses.to_arrays`."""
        return {}, {"table": self.table}


def masses_from(described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> CodeMasses:
    """Puts together what `to_arrays` took apart.

    Raises:
        DataError: frequencies that do not sum up to 2**24 or are below 1.
        SettingError: weights that are too large for exact arithmetic.
    """
    whole = {name: np.asarray(array, np.int64) for name, array in arrays.items()}
    fitted = "prior" in described
    table = whole.pop("classes" if fitted else "table")
    if (
        table.ndim != 2 - fitted
        or not 1 <= table.min() <= table.max() <= 1 << BITS
        or (table.sum(-1) != 1 << BITS).any()
    ):
        raise DataError(f"frequencies of codes must be at least 1 and sum up to {1 << BITS}.")
    if not fitted:
        return CountedCodes(table)
    prior = ExactPrior(PriorShape(**described["prior"]), whole)
    if len(table) != max(prior.shape.classes, 1):
        raise DataError(f"{len(table)} frequencies of {prior.shape.classes} classes.")
    return FittedCodes(prior, table)


def frequencies(logits: Array) -> Array:
    """Softmax in integers: (..., K) logits times 2**12 -> (..., K) frequencies of sum 2**24, each at least 1.

    1 + floor(e_k (2**24 - K) / sum e) with e of 24 digits; what is left over goes to the first of the likeliest. Numerators
    stay below 2**48 and the sum below 2**40, so that a quotient that is no integer is never rounded up to one.
    """
    codes = logits.shape[-1]
    weights = exponential(logits - logits.max(-1, keepdims=True), EXP)
    found = 1 + np.floor(weights * (2.0**BITS - codes) / weights.sum(-1, keepdims=True))
    likeliest = logits.argmax(-1)[..., None]
    rest = 2.0**BITS - found.sum(-1, keepdims=True)
    np.put_along_axis(found, likeliest, np.take_along_axis(found, likeliest, -1) + rest, -1)
    return found


def shared_out(counts: NDArray[Any]) -> Codes:
    """Frequencies of sum 2**24, each at least 1, as nearly in proportion to counts (..., K) as can be.

    They are 1 + floor(c (2**24 - K) / sum c), and what is left over goes to the first of the largest.

    Args:
        counts: whole numbers of a sum below 2**29, one of them at least 1.
    """
    counts = counts.astype(np.int64)
    found = 1 + counts * ((1 << BITS) - counts.shape[-1]) // counts.sum(-1, keepdims=True)
    largest = counts.argmax(-1)[..., None]
    rest = (1 << BITS) - found.sum(-1, keepdims=True)
    np.put_along_axis(found, largest, np.take_along_axis(found, largest, -1) + rest, -1)
    return found
