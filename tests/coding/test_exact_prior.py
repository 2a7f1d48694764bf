"""The prior of codes in whole numbers: against fractions, against the float transformer, and against itself by other routes."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from vaekit.coding.attention import (
    FRACTION,
    NORMED,
    STREAM,
    attended,
    exp_tables,
    exponential,
    normalised,
    rounded,
)
from vaekit.coding.code_masses import BITS, FittedCodes, frequencies, shared_out
from vaekit.coding.exact_prior import (
    ExactPrior,
    PriorShape,
    exact_prior_of,
    known_around,
    offsets_between,
    shortened,
)
from vaekit.coding.knots import gelu
from vaekit.core import DataError, SettingError
from vaekit.networks import causal

SHAPE = PriorShape(codes=11, height=3, width=4, classes=2, channels=16, depth=2, heads=4)


def transformer(shape: PriorShape = SHAPE, size: float = 0.3) -> causal.CausalTransformer:
    torch.manual_seed(0)
    grid = shape.height, shape.width
    made = causal.CausalTransformer(
        shape.codes, grid, shape.classes, shape.channels, shape.depth, shape.heads, 0.0
    )
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(size * torch.randn_like(parameter))
    return made.double().eval()


def exact(network: causal.CausalTransformer, shape: PriorShape = SHAPE) -> ExactPrior:
    return exact_prior_of(shape, {name: tensor.numpy() for name, tensor in network.state_dict().items()})


def grids(count: int, shape: PriorShape = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(shape.codes, size=(count, shape.positions)), rng.integers(2, size=count)


def test_halves_are_rounded_up() -> None:
    assert rounded(np.array([-6.0, -5.0, -2.0, 1.0, 2.0, 5.0, 6.0]), 2).tolist() == [-1, -1, 0, 0, 1, 1, 2]


@pytest.mark.parametrize("x", [0, -1, -255, -256, -4096, -30_000, -65_535])
def test_exp_is_right_to_two_units(x: int) -> None:
    assert abs(exponential(np.array([float(x)]), 24)[0] - math.exp(x / 2**FRACTION) * 2**24) <= 2


def test_exp_of_what_is_far_below_is_nothing() -> None:
    assert exponential(np.array([-65_536.0, -1e9, -np.inf]), 24).tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [0.001, 1.0, 5000.0])
def test_layer_normalisation_against_torch(size: float) -> None:
    x = np.rint(np.random.default_rng(0).normal(3, size, (50, 24)) * 2**STREAM)
    wanted = torch.nn.functional.layer_norm(torch.from_numpy(x / 2**STREAM), (24,), eps=1e-5).numpy()
    assert np.abs(normalised(x, 1e-5) / 2**NORMED - wanted).max() < 2e-4
    assert (normalised(np.full((1, 24), 7.0), 1e-5) == 0).all()


def test_attention_against_fractions() -> None:
    rng = np.random.default_rng(2)
    queries, keys, values = (np.rint(rng.normal(0, 4096, (1, 1, 3, 2))) for _ in range(3))
    nearness, seen = np.rint(rng.normal(0, 4096, (1, 3, 3))), np.tri(3, dtype=bool)
    found = attended(queries, keys, values, nearness, seen)[0, 0]
    for t in range(3):
        scores = [
            math.floor(Fraction(int(queries[0, 0, t] @ keys[0, 0, i]), 2**FRACTION) + Fraction(1, 2))
            + int(nearness[0, t, i])
            for i in range(t + 1)
        ]
        weights = [int(exponential(np.array([float(s - max(scores))]), 20)[0]) for s in scores]
        for d in range(2):
            total = sum(w * int(values[0, 0, i, d]) for i, w in enumerate(weights))
            assert found[t, d] == math.floor(Fraction(total, sum(weights)) + Fraction(1, 2))


def test_weights_may_keep_fewer_digits() -> None:
    assert shortened(np.array([-9, -8, 7, 8, 24, 25]), 14, 10).tolist() == [-16, 0, 0, 16, 32, 32]
    network, (codes, y) = transformer(), grids(20)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    full, short = exact(network), exact_prior_of(SHAPE, weights, kept=8)
    assert (short.stored["logits"] % 2**6 == 0).all() and (short.stored["place"] % 2**5 == 0).all()
    assert 0 < np.abs(short.logits(codes, y) - full.logits(codes, y)).max() < 0.3 * 2**FRACTION


def test_logits_against_the_float_transformer() -> None:
    network = transformer()
    codes, y = grids(20)
    with torch.no_grad():
        wanted = network(torch.from_numpy(codes), torch.from_numpy(y)).numpy()
    assert np.abs(wanted).max() > 1
    assert np.abs(exact(network).logits(codes, y) / 2**FRACTION - wanted).max() < 0.02


def test_one_place_at_a_time_and_in_any_batch_the_logits_are_the_same() -> None:
    prior = exact(transformer())
    codes, y = grids(21)
    whole = prior.logits(codes, y)
    assert (whole == np.rint(whole)).all()
    for size in (1, 4, 21):
        for first in range(0, 21, size):
            part, cache = slice(first, first + size), []
            assert (prior.logits(codes[part], y[part]) == whole[part]).all()
            for place in range(SHAPE.positions):
                later = codes[part].copy()
                later[:, place:] = 0  # what comes later is not looked at
                assert (prior.next(later, y[part], cache) == whole[part, place]).all()


def test_order_of_sums_changes_nothing() -> None:
    """Channels of the stream in another order are the same network, summed up in another order."""
    network, codes_y = transformer(), grids(5)
    order = np.random.default_rng(0).permutation(SHAPE.channels)
    prior = exact(network)
    arrays = dict(prior.stored)
    for name in arrays:
        if (
            name in ("place", "label")
            or (name.startswith("code."))
            or name.endswith(("attended.bias", "outer.bias"))
        ):
            arrays[name] = arrays[name][..., order]
        elif name.endswith(("queries_keys_values", "inner", "logits")):
            arrays[name] = arrays[name][:, order]
        elif name.endswith(("attended", "outer")):
            arrays[name] = arrays[name][order]
    assert (ExactPrior(SHAPE, arrays).logits(*codes_y) == prior.logits(*codes_y)).all()


def by_whole_numbers(prior: ExactPrior, codes: list[int], y: int) -> list[list[int]]:
    """The logits of one grid by integers of Python of any size, as docs/format.md has them: no float, no batch, no cache."""
    shape, a = prior.shape, {name: array.astype(object) for name, array in prior.stored.items()}
    n, places, d = shape.channels, shape.positions, shape.channels // shape.heads
    epsilon = Fraction(shape.epsilon) * n**3 * 4**14

    def shorter(x: np.ndarray, digits: int) -> np.ndarray:
        return (x + (1 << digits >> 1)) >> digits

    def norm(x: np.ndarray) -> np.ndarray:
        away = n * x - sum(x)
        shift = max(max(abs(away)).bit_length() - 20, 0)
        away = shorter(away, shift)
        root = math.isqrt(sum(away * away) + math.floor(epsilon / 4**shift))
        return (2 * away * math.isqrt(n << 28) + root) // (2 * root)

    def exponent(x: int) -> int:
        coarse, fine = exp_tables()
        return shorter(int(coarse[-x >> 8]) * int(fine[-x & 255]), 28) if x > -65_536 else 0

    def times(x: np.ndarray, name: str, digits: int) -> np.ndarray:
        return shorter(a[name] @ x + a[name + ".bias"], digits)

    def around(t: int) -> list[int]:
        row, column = divmod(t, shape.width)
        wanted = [(row - 1, column), (row - 1, column - 1), (row - 1, column + 1)]
        inside = [i * shape.width + j if i >= 0 and 0 <= j < shape.width else -1 for i, j in wanted]
        return [codes[i] if i >= 0 else shape.codes for i in [t - 1, *inside]]

    stream = [
        a["place"][t] + a["label"][y, t] + sum(a[f"code.{i}"][c] for i, c in enumerate(around(t)))
        for t in range(places)
    ]
    for layer in range(shape.depth):
        block = f"blocks.{layer}."
        parts = [times(norm(x), block + "queries_keys_values", 16) for x in stream]
        for t in range(places):
            found: list[int] = []
            for h in range(shape.heads):
                query, scores = parts[t][h * d : (h + 1) * d], []
                for i in range(t + 1):
                    key = parts[i][n + h * d : n + (h + 1) * d]
                    near = (t // shape.width - i // shape.width) * (2 * shape.width - 1)
                    near += i % shape.width - t % shape.width + shape.width - 1
                    scores.append(shorter(query @ key, 12) + a[block + "nearness"][h, near])
                weights = [exponent(score - max(scores)) for score in scores]
                for k in range(2 * n + h * d, 2 * n + (h + 1) * d):
                    total = sum(w * parts[i][k] for i, w in enumerate(weights))
                    found.append((2 * total + sum(weights)) // (2 * sum(weights)))
            stream[t] = stream[t] + times(np.array(found, object), block + "attended", 12)
        for t in range(places):
            units = (
                gelu()(times(norm(stream[t]), block + "inner", 16).astype(float)).astype(int).astype(object)
            )
            stream[t] = stream[t] + times(units, block + "outer", 12)
    return [times(norm(x), "logits", 16).tolist() for x in stream]


def test_logits_by_whole_numbers_alone_are_the_same() -> None:
    prior = exact(transformer())
    codes, y = grids(3)
    for row, label, logits in zip(codes.tolist(), y.tolist(), prior.logits(codes, y), strict=True):
        assert by_whole_numbers(prior, row, label) == logits.tolist()


@pytest.mark.parametrize("grid", [(1, 1), (1, 5), (4, 1), (3, 4)])
def test_neighbours_and_offsets_are_those_of_the_network(grid: tuple[int, int]) -> None:
    assert (known_around(*grid) == causal.known_around(*grid).numpy()).all()
    assert (offsets_between(*grid) == causal.offsets_between(*grid).numpy()).all()


def test_frequencies_against_fractions() -> None:
    logits = np.rint(np.random.default_rng(0).normal(0, 3 * 4096, (40, 7)))
    found = frequencies(logits)
    assert (found.sum(-1) == 2**BITS).all() and (found >= 1).all()
    for row, given in zip(found, logits, strict=True):
        weights = [Fraction(int(w)) for w in exponential(given - given.max(), 24)]
        wanted = [1 + math.floor(w * (2**BITS - 7) / sum(weights)) for w in weights]
        wanted[int(given.argmax())] += 2**BITS - sum(wanted)
        assert row.tolist() == wanted


def test_counts_are_shared_out() -> None:
    found = shared_out(np.array([[3, 1, 0], [0, 5, 5]]))
    assert (found.sum(-1) == 2**BITS).all() and found.min() == 1
    assert np.abs(found[0] / 2**BITS - [0.75, 0.25, 0]).max() < 1e-6


def test_masses_of_all_grids_sum_up_to_one() -> None:
    shape = PriorShape(codes=2, height=2, width=2, classes=0, channels=8, depth=1, heads=2)
    prior = exact(transformer(shape, 1.0), shape)
    every = np.array([[n >> 3 & 1, n >> 2 & 1, n >> 1 & 1, n & 1] for n in range(16)])
    masses = FittedCodes(prior, np.array([1 << BITS])).all(every, every[:, 0] * 0)
    chosen = np.take_along_axis(masses, every[..., None], -1)[..., 0].astype(np.int64)
    product = sum(math.prod(Fraction(int(m), 2**BITS) for m in row) for row in chosen)
    assert product == 1


def test_weights_that_are_too_large_are_refused() -> None:
    weights = {name: tensor.numpy().copy() for name, tensor in transformer().state_dict().items()}
    large = weights | {"blocks.1.outer.weight": weights["blocks.1.outer.weight"] * 1e9}
    with pytest.raises(SettingError, match=r"could reach 2\*\*53"):
        exact_prior_of(SHAPE, large)
    with pytest.raises(SettingError, match="not finite"):
        exact_prior_of(SHAPE, weights | {"norm.bias": weights["norm.bias"] * np.nan})


@pytest.mark.parametrize(
    "wrong",
    [
        {"heads": 3},
        {"depth": 10**9},
        {"height": 2.0},
        {"codes": 0},
        {"epsilon": float("nan")},
        {"width": 4096},
    ],
)
def test_sizes_that_no_prior_has_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match=r"of the prior|sizes do not fit"):
        ExactPrior(dataclasses.replace(SHAPE, **wrong), {})  # type: ignore[arg-type]


def test_arrays_of_other_sizes_are_refused() -> None:
    arrays = exact(transformer()).stored
    with pytest.raises(DataError, match="do not have the sizes"):
        ExactPrior(SHAPE, arrays | {"place": arrays["place"][1:]})
