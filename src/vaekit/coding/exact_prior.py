"""The prior of codes in exact arithmetic: the same integers for any batch, at one position or at all, on any machine.

It is the transformer of `vaekit.networks.causal` with weights rounded to integers. It is made from arrays, so that a
decoder needs numpy alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaekit.coding.attention import (
    FRACTION,
    NORMED,
    SOFTMAX,
    SPREAD,
    STREAM,
    WEIGHT,
    Array,
    Past,
    attended,
    normalised,
    rounded,
)
from vaekit.coding.knots import gelu
from vaekit.core import DataError, SettingError

EXACT = 2.0**53
MOST_POSITIONS = 4096  # of a grid
MOST = {
    "codes": 2**20, "height": 4096, "width": 4096, "classes": 2**20, "channels": 2048, "depth": 256, "heads": 4096,
}  # fmt: skip

Cache = list[Past]  # of the layers; empty before the first position
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class PriorShape:
    """Sizes of a prior.

    Attributes:
        codes: K.
        height, width: of the grid.
        classes: that it is conditioned on; 0 for none.
        channels, depth, heads: of the transformer.
        epsilon: of its layer normalisation.
    """

    codes: int
    height: int
    width: int
    classes: int
    channels: int
    depth: int
    heads: int
    epsilon: float = 1e-5

    def check(self) -> None:
        """Raises DataError for sizes that no prior has, whoever gave them."""
        least = {"codes": 1, "height": 1, "width": 1, "classes": 0, "channels": 1, "depth": 0, "heads": 1}
        for name, at_least in least.items():
            value = getattr(self, name)
            if type(value) is not int or not at_least <= value <= MOST[name]:
                raise DataError(
                    f"{name} of the prior must be from {at_least} to {MOST[name]}, not {value!r:.20}."
                )
        if self.channels % self.heads or self.positions > MOST_POSITIONS:
            raise DataError(f"the prior's sizes do not fit each other: {self}.")
        if not 1e-12 <= self.epsilon <= 1:
            raise DataError(f"epsilon of the prior must be from 1e-12 to 1, not {self.epsilon}.")

    @property
    def positions(self) -> int:
        """Returns the number of places of the grid."""
        return self.height * self.width


class ExactPrior:
    """p(c_t | c_1 ... c_{t-1}), in integers.

    Args:
        shape: sizes.
        arrays: integers, as `exact_prior_of` makes them.

    Raises:
        SettingError: weights so large that a sum could reach 2**53.
        DataError: arrays that do not fit the sizes.
    """

    def __init__(self, shape: PriorShape, arrays: Mapping[str, NDArray[Any]]) -> None:
        shape.check()
        if {name: array.shape for name, array in arrays.items()} != sizes_of(shape):
            raise DataError(f"arrays of the prior do not have the sizes of {shape}.")
        self.shape, self.stored = shape, dict(arrays)
        self.arrays = {name: np.ascontiguousarray(array, np.float64) for name, array in arrays.items()}
        self.known = known_around(shape.height, shape.width)
        self.offsets = offsets_between(shape.height, shape.width)
        check_sums(shape, self.arrays)

    def logits(self, codes: Codes, y: Codes | None = None) -> Array:
        """Logits of every position given those before it, times 2**12: (B, n), (B,) -> (B, n, K)."""
        return self._logits(codes, slice(None), y, None)

    def next(self, codes: Codes, y: Codes | None, cache: Cache) -> Array:
        """Logits of one more position, (B, K), the same as `logits` has there; the cache grows by it.

        Args:
            codes: (B, n); read are those of the positions in the cache, which is empty at the start.
            y: (B,) classes of a conditional prior, else None.
        """
        if not cache:
            cache.extend(Past(self.shape.positions) for _ in range(self.shape.depth))
        at = cache[0].filled
        return self._logits(codes, slice(at, at + 1), y, cache)[:, 0]

    def _logits(self, codes: Codes, places: slice, y: Codes | None, cache: Cache | None) -> Array:
        x = self._embedded(codes, places, y)
        for layer in range(self.shape.depth):
            x = self._block(x, f"blocks.{layer}.", places, None if cache is None else cache[layer])
        return rounded(self._linear(self._normed(x), "logits"), WEIGHT + NORMED - FRACTION)

    def _embedded(self, codes: Codes, places: slice, y: Codes | None) -> Array:
        """Returns the inputs at some places, (B, T, channels), in units of the stream."""
        nothing = np.full((len(codes), 1), self.shape.codes, np.int64)
        around = np.concatenate([codes, nothing], 1)[:, self.known[places]]
        x = np.broadcast_to(self.arrays["place"][places], (*around.shape[:2], self.shape.channels)).copy()
        for number in range(around.shape[-1]):
            x += self.arrays[f"code.{number}"][around[..., number]]
        return x if y is None or not self.shape.classes else x + self.arrays["label"][y][:, places]

    def _block(self, x: Array, prefix: str, places: slice, past: Past | None) -> Array:
        heads, digits = self.shape.heads, WEIGHT + NORMED - FRACTION
        inner = rounded(self._linear(self._normed(x), prefix + "queries_keys_values"), digits)
        queries, keys, values = (
            part.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2) for part in np.split(inner, 3, axis=-1)
        )
        if past is not None:
            keys, values = past.add(keys, values)
        offsets = self.offsets[places, : keys.shape[2]]
        nearness = self.arrays[prefix + "nearness"][:, np.maximum(offsets, 0)]
        found = attended(queries, keys, values, nearness, offsets >= 0).swapaxes(1, 2).reshape(x.shape)
        x = x + rounded(self._linear(found, prefix + "attended"), WEIGHT + FRACTION - STREAM)
        units = gelu()(rounded(self._linear(self._normed(x), prefix + "inner"), digits))
        return x + rounded(self._linear(units, prefix + "outer"), WEIGHT + FRACTION - STREAM)

    def _normed(self, x: Array) -> Array:
        return normalised(x, self.shape.epsilon)

    def _linear(self, x: Array, name: str) -> Array:
        return x @ self.arrays[name].T + self.arrays[name + ".bias"]


def known_around(height: int, width: int) -> Codes:
    """For each place of a grid its known neighbours, (n, 4): the one before it, above, above to the left and to the right; n stands for
    none. As `vaekit.networks.causal.known_around`, which needs torch."""
    none = height * width
    above = np.pad(np.arange(none).reshape(height, width)[:-1], ((1, 0), (1, 1)), constant_values=none)
    before = np.concatenate([[none], np.arange(none - 1)]).reshape(height, width)
    around = np.stack([before, above[:, 1:-1], above[:, :-2], above[:, 2:]], axis=-1)
    return around.reshape(none, 4).astype(np.int64)


def offsets_between(height: int, width: int) -> Codes:
    """Number of each pair of relative places of a grid, (n, n), of a place (column) to another (row); -1 for later ones. As
    `vaekit.networks.causal.offsets_between`."""
    places = np.arange(height * width)
    above = places[:, None] // width - places // width
    aside = places % width - places[:, None] % width + width - 1
    return np.where(places <= places[:, None], above * (2 * width - 1) + aside, -1).astype(np.int64)


def exact_prior_of(shape: PriorShape, weights: Mapping[str, NDArray[Any]], kept: int = WEIGHT) -> ExactPrior:
    """Rounds a trained transformer to integers.

    The gain of each normalisation goes into the weights behind it, its bias into their biases, and 1 / sqrt(d) into those of the queries.
    Every product is of two numbers and every sum one of integers, so that the result is the same everywhere.

    Args:
        shape: sizes.
        weights: the state of a `vaekit.networks.causal.CausalTransformer`, as arrays.
        kept: binary digits after the point that weights keep, and vectors of codes and places one more: others are 0, so
            that a file has less to store. What is computed stays the same.

    Raises:
        SettingError: weights that are not finite or too large.
    """
    given = {name: np.asarray(array, np.float64) for name, array in weights.items()}
    if not all(np.isfinite(array).all() for array in given.values()):
        raise SettingError(
            "the prior has weights that are not finite: train it again with a lower learning_rate."
        )
    made = {"place": whole(given["place"], STREAM, kept + 1)}
    made |= {f"code.{i}": whole(given[f"code.{i}.weight"], STREAM, kept + 1) for i in range(4)}
    if shape.classes:
        made["label"] = whole(given["label"], STREAM)
    d = shape.channels // shape.heads
    gains = np.ones(3 * shape.channels)
    gains[: shape.channels] = 1 / math.sqrt(d)
    for layer in range(shape.depth):
        block = f"blocks.{layer}."
        parts = {name.removeprefix(block): array for name, array in given.items() if name.startswith(block)}
        made[block + "nearness"] = whole(parts["nearness"].reshape(shape.heads, -1), FRACTION)
        made |= linear(block + "queries_keys_values", parts, "queries_keys_values", "before_attention", gains)
        made |= linear(block + "attended", parts, "attended")
        made |= linear(block + "inner", parts, "inner", "before_mlp")
        made |= linear(block + "outer", parts, "outer")
    made |= linear("logits", given, "logits", "norm")
    layers = [name.removesuffix(".bias") for name in made if name.endswith(".bias")]
    return ExactPrior(shape, made | {name: shortened(made[name], WEIGHT, kept) for name in layers})


def linear(
    name: str, given: Mapping[str, Array], layer: str, norm: str = "", gains: Array | None = None
) -> dict[str, NDArray[np.int64]]:
    """Weights and bias of a linear layer as integers, with those of the normalisation before it in them.

    Args:
        name: of the result.
        given: arrays by name.
        layer, norm: their names in it; norm "" for none.
        gains: what each output is multiplied by.
    """
    weight, bias = given[layer + ".weight"], given[layer + ".bias"]
    if gains is not None:
        weight, bias = weight * gains[:, None], bias * gains
    if not norm:
        return {name: whole(weight, WEIGHT), name + ".bias": whole(bias, WEIGHT + FRACTION)}
    shift = whole(weight, WEIGHT) @ whole(given[norm + ".bias"], NORMED)
    return {
        name: whole(weight * given[norm + ".weight"], WEIGHT),
        name + ".bias": whole(bias, WEIGHT + NORMED) + shift,
    }


def whole(x: Array, digits: int, kept: int | None = None) -> NDArray[np.int64]:
    """Integers round(x 2**digits), halves to even, of which `kept` digits after the point may be other than 0."""
    return shortened(np.rint(np.ldexp(x, digits)).astype(np.int64), digits, digits if kept is None else kept)


def shortened(x: NDArray[np.int64], digits: int, kept: int) -> NDArray[np.int64]:
    """The same integers with the last of `digits` after the point rounded to 0, halves up, but for `kept` of them."""
    spare = max(digits - kept, 0)
    return (x + (1 << spare >> 1)) >> spare << spare


def sizes_of(shape: PriorShape) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays of a prior, by name."""
    n, codes, places = shape.channels, shape.codes, shape.positions
    layers = {"queries_keys_values": (3 * n, n), "attended": (n, n), "inner": (4 * n, n), "outer": (n, 4 * n)}
    weights = {f"blocks.{i}.{name}": size for i in range(shape.depth) for name, size in layers.items()}
    weights["logits"] = codes, n
    found: dict[str, tuple[int, ...]] = {"place": (places, n)} | {
        f"code.{i}": (codes + 1, n) for i in range(4)
    }
    found |= {"label": (shape.classes, places, n)} if shape.classes else {}
    near = shape.heads, shape.height * (2 * shape.width - 1)
    found |= {f"blocks.{i}.nearness": near for i in range(shape.depth)}
    return found | weights | {f"{name}.bias": size[:1] for name, size in weights.items()}


def check_sums(shape: PriorShape, arrays: Mapping[str, Array]) -> None:
    """Shows that no sum can reach 2**53, whatever the codes.

    What layer normalisation gives has a length of sqrt(n) 2**14 at most (rounded down, the root is short by less than a
    hundredth), so that by Cauchy and Schwarz the products of a row of weights sum up to no more than the row's length times that,
    in absolute values and so in any order. Weights of attention sum up to at most 2**20 times the positions.

    Raises:
        SettingError: one could.
    """
    n = shape.channels
    length = math.sqrt(n) * (1.01 * 2**NORMED + 1)
    tables = [np.abs(arrays["place"]).max(), *(np.abs(arrays[f"code.{i}"]).max() for i in range(4))]
    stream = sum(tables) + (np.abs(arrays["label"]).max() if shape.classes else 0)
    reached = [
        2 * (n**3 * shape.epsilon * 4**STREAM + n * 4.0**SPREAD)
    ]  # below 2**52 a root is rounded down alike

    def after_norm(name: str) -> Array:
        sums = np.linalg.norm(arrays[name], axis=1) * length + np.abs(arrays[name + ".bias"])
        reached.append(float(sums.max()))
        return sums * 2.0 ** (FRACTION - WEIGHT - NORMED) + 1

    def after_units(name: str, units: Array) -> float:
        largest = float((np.abs(arrays[name]) @ units + np.abs(arrays[name + ".bias"])).max())
        reached.append(largest)
        return largest * 2.0 ** (STREAM - WEIGHT - FRACTION) + 1

    for layer in range(shape.depth):
        block = f"blocks.{layer}."
        queries, keys, values = np.split(after_norm(block + "queries_keys_values"), 3)
        reached.append(float(np.linalg.norm(queries) * np.linalg.norm(keys)))
        reached.append(2.0 * float(np.abs(arrays[block + "nearness"]).max()))
        # Below 2**50 a quotient that is rounded by IEEE 754 and then to an integer is that of whole numbers.
        reached.append(8 * float(values.max()) * shape.positions * 2.0**SOFTMAX)
        stream = stream + after_units(block + "attended", values + 1)
        stream = stream + after_units(block + "outer", after_norm(block + "inner") + 1)
    after_norm("logits")
    if max(*reached, 2.0 * n * float(stream)) >= EXACT:
        raise SettingError(
            "the weights of the prior are too large for exact arithmetic (a sum could reach 2**53): "
            "fit it again with a lower learning_rate."
        )
