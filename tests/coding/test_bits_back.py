"""Coding with bits back: images come back, cost what the ELBO over bins says, and damage is named."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np
import pytest
import torch
from scipy.special import ndtr, ndtri
from torch import nn

from two_layers import GRID, TOP, TwoLayers
from vaekit import VAE
from vaekit.coding import integers
from vaekit.coding.ans import Lanes
from vaekit.coding.bits_back import decode, encode, varint
from vaekit.coding.exact import ExactModel
from vaekit.coding.exact_vae import exact_model
from vaekit.coding.integers import Program
from vaekit.coding.knots import ONE, silu, soft_bounds
from vaekit.coding.latent_steps import (
    Draw,
    Known,
    Layer,
    Normals,
    Scheme,
    Send,
    SendImage,
    bit_swap,
)  # fmt: skip
from vaekit.coding.latents import Bins, Posterior
from vaekit.coding.masses import BernoulliMasses
from vaekit.coding.translate import Builder
from vaekit.core import DataError


@pytest.fixture(scope="module")
def model() -> ExactModel:
    """Of a VAE that has learned nothing, with weights large enough that latents say something."""
    torch.manual_seed(0)
    vae = VAE((1, 6, 6), pixels="binary", latent_dim=5, network="mlp", width=16, likelihood="bernoulli")
    with torch.no_grad():
        for weights in vae.parameters():
            weights.mul_(2)
    return exact_model(vae.eval())


def binary(seed: int, *shape: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(shape) < 0.4).astype(np.uint8)


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 500])
def test_images_come_back(model: ExactModel, count: int) -> None:
    images = binary(count, count, 1, 6, 6)
    coded = encode(model, images)
    found, message = decode(model, coded.content, count)
    assert found.dtype == np.uint8 and (found.reshape(images.shape) == images).all() and message == b""
    assert coded.bits.shape == (count,) and coded.initial_bits <= 5 * 12 + 64
    assert 8 * len(coded.content) <= coded.bits.sum() + coded.initial_bits + 6 * min(count, 64) + 8 * 40


@pytest.mark.parametrize("most", [1, 3, 200])
def test_any_number_of_lanes(model: ExactModel, most: int) -> None:
    images = binary(1, 40 + most, 36)
    coded = encode(model, images, most=most)
    assert (decode(model, coded.content, len(images))[0] == images).all()
    assert len(Lanes.from_bytes(coded.content[-len(coded.content) + header_size(coded.content) :])) <= most


def header_size(content: bytes) -> int:
    """Bytes before the lanes: as many numbers as the first says, and three."""
    numbers, place = [], 0
    while not numbers or len(numbers) < 2 * numbers[0] + 3:
        number, shift = 0, 0
        while True:
            number |= (content[place] & 127) << shift
            shift, place = shift + 7, place + 1
            if content[place - 1] < 128:
                break
        numbers.append(number)
    return place


@pytest.mark.parametrize("length", [1, 4, 1001])
def test_a_message_pays_the_initial_bits_and_comes_back(model: ExactModel, length: int) -> None:
    images, message = binary(2, 40, 36), bytes(length)  # zeros: no draw would be fair from them as they are
    coded = encode(model, images, message=message)
    found, again = decode(model, coded.content, 40)
    assert (found == images).all() and again == message
    if length > 100:
        alone = encode(model, images)
        assert coded.initial_bits == 0 < alone.initial_bits
        assert len(coded.content) <= length + len(alone.content) - alone.initial_bits / 8 + 6 * 40 / 8 + 8


def test_classes() -> None:
    torch.manual_seed(1)
    vae = VAE(
        (1, 4, 4), pixels="binary", classes=3, latent_dim=2, network="mlp", width=8, likelihood="bernoulli"
    )
    model, images, labels = exact_model(vae.eval()), binary(3, 30, 16), np.arange(30) % 3
    content = encode(model, images, labels).content
    assert (decode(model, content, 30, labels)[0] == images).all()
    with pytest.raises(DataError, match="damaged"):  # another condition is another model
        decode(model, content, 30, (labels + 1) % 3)


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 4, 4), (16,)], ids=str)
@pytest.mark.parametrize("likelihood", ["categorical", "histogram-mixture", "logistic-mixture"])
def test_eight_bits(likelihood: str, shape: tuple[int, ...]) -> None:
    """Every likelihood of 8-bit pixels; the size is the masses' and what is lost, the same for all numbers of lanes."""
    torch.manual_seed(4)
    vae = VAE(shape, pixels="8-bit", latent_dim=3, network="mlp", width=8, likelihood=likelihood)
    model, draw = exact_model(vae.eval()), np.random.default_rng(8)
    images = draw.choice([0, 1, 7, 128, 254, 255], (20, *shape)).astype(np.uint8)
    for most in (1, 7, None):
        coded = encode(model, images, most=most)
        found, _ = decode(model, coded.content, 20)
        assert (found.reshape(images.shape) == images).all()
        lost = 8 * len(coded.content) - coded.bits.sum() - coded.initial_bits
        assert -40 < lost < 6 * 20 + 8 * 24


def test_other_batches_give_the_same_stream(model: ExactModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks compute the images of a round one by one, or all at once; what guesses in floats gives does not matter."""
    images = binary(9, 90, 36)
    content = encode(model, images).content
    monkeypatch.setattr(integers, "AT_ONCE", 40)
    monkeypatch.setattr(Posterior, "_guess", lambda self, mean, inverse, wanted: 0 * wanted)
    assert (decode(model, content, 90)[0] == images).all() and encode(model, images).content == content


def linear(
    inputs: dict[str, tuple[int, int, int]], outputs: dict[str, tuple[str, np.ndarray, np.ndarray]]
) -> Program:
    """Outputs that are linear in an input: name -> (input, weights, biases), integers / 2**12."""
    ops, arrays = [], {}
    for name, (given, weight, bias) in outputs.items():
        ops.append(
            {
                "op": "linear",
                "in": [given],
                "out": name,
                "weight": f"w{name}",
                "bias": f"b{name}",
                "shift": 0,
                "rows": 1,
            }
        )
        arrays |= {f"w{name}": weight, f"b{name}": bias}
    return Program(ops, arrays, inputs, {name: name for name in outputs})


def test_the_size_is_the_elbo_over_bins() -> None:
    """Of a model with one latent all sums can be written out: E_q[log q(bin) - log p(bin) - log p(x|centre)]."""
    draw, values = np.random.default_rng(4), 12
    slopes, offsets = draw.integers(-ONE, ONE, (values, 1)), draw.integers(-ONE, ONE, values)
    up = draw.integers(-800, 800, (1, values))
    encoder = linear(
        {"x": (values, 0, 1)},
        {
            "mean": ("x", up, np.zeros(1, dtype=int)),
            "log_variance": ("x", up[:, ::-1].copy(), np.full(1, -2 * ONE)),
        },
    )
    decoder = linear(
        {"z": (1, -(2**16), 2**16)}, {"raw": ("z", 2 * slopes // ONE + np.sign(slopes), offsets)}
    )
    about = {"name": "bernoulli", "numbers": 1}
    model = ExactModel((values,), 1, 0, "binary", about, encoder, decoder, 16)
    images = (draw.random((2000, values)) < 0.3).astype(np.uint8)
    coded = encode(model, images, most=8)
    bins, moments, total = Bins(), encoder.run({"x": images}), 0.0
    cuts = ndtri(np.arange(4097) / 4096)
    logits = decoder.run({"z": bins.centres[:, None]})["raw"] / ONE  # (bins, values)
    for part in np.split(np.arange(2000), 20):
        mean, logs = (moments[name][part] / ONE for name in ("mean", "log_variance"))
        q = np.diff(ndtr((cuts - mean) / np.exp(logs / 2)), axis=1)
        pixels = images[part] @ logits.T - np.log1p(np.exp(logits)).sum(1)
        total += (q * (np.log(np.maximum(q, 1e-99)) + np.log(4096) - pixels)).sum() / np.log(2)
    assert coded.bits.sum() == pytest.approx(total, rel=5e-3)
    assert 8 * len(coded.content) == pytest.approx(total + coded.initial_bits, rel=0.01, abs=8 * 50)
    assert (decode(model, coded.content, 2000)[0] == images).all()


def normals(program: Program) -> Normals:
    def given(known: Known) -> tuple[np.ndarray, np.ndarray]:
        found = program.run(known)
        return found["mean"], found["log_variance"]

    return given


def of_perceptron(net: nn.Sequential, inputs: dict[str, int], pixels: int = 0) -> Program:
    """A perceptron of some of the known values; two outputs are a mean and a bounded log-variance."""
    b, x = Builder(), None
    for name, size in inputs.items():
        grid = (
            b.input(name, (size,), 0, 1, 1.0, 0)
            if name == "x"
            else b.input(name, (size,), -(2**16), 2**16, 1.0, 12)
        )
        x = grid if x is None else b.joined(x, grid)
    assert x is not None
    first, last = net[0], net[2]
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    raw = b.dense(b.table(b.dense(x, first), silu()), last)
    if pixels:
        return b.program({"raw": raw})
    half = last.out_features // 2
    logs = b.table(b.part(raw, half, half), soft_bounds(-20, 10))
    return b.program({"mean": b.part(raw, 0, half), "log_variance": logs})


def pixels_of(program: Program, values: int) -> SendImage:
    return SendImage(BernoulliMasses(), values, lambda known: program.run(known)["raw"])


def test_the_toy_model_of_two_layers_goes_through_it() -> None:
    """Coded in the order of its own factors; the size is its -ELBO, by torch in floats, within 1 %."""
    torch.manual_seed(2)
    model = TwoLayers((1, 6, 6), pixels="binary", hidden=16).eval()
    images, grid = binary(6, 600, 1, 6, 6), prod(GRID)
    z, g = Layer("z", TOP, Bins()), Layer("g", grid, Bins(12, spread=1))
    steps = (
        Draw(z, normals(of_perceptron(model.top, {"x": 36}))),
        Draw(g, normals(of_perceptron(model.below, {"x": 36, "z": TOP}))),
        pixels_of(of_perceptron(model.decoder, {"z": TOP, "g": grid}, pixels=36), 36),
        Send(g, normals(of_perceptron(model.given, {"z": TOP}))),
        Send(z),
    )
    coded = encode(Scheme(steps, 36, 36), images, most=16)
    assert (decode(Scheme(steps, 36, 36), coded.content, 600)[0] == images.reshape(600, 36)).all()
    with torch.no_grad():
        x = torch.from_numpy(images).float()
        output = model(x, samples=20)
        kl = sum(
            (part.posterior.log_prob(part.z) - part.prior.log_prob(part.z)).flatten(2).sum(-1)
            for part in output.latents
        )
        bound = float((kl - output.likelihood.log_prob(x)).mean(0).sum()) / np.log(2)
    assert coded.bits.sum() == pytest.approx(bound, rel=0.01)
    assert 8 * len(coded.content) == pytest.approx(bound + coded.initial_bits, rel=0.01, abs=8 * 50)


def test_bit_swap_takes_fewer_initial_bits_for_the_same_size() -> None:
    """Three layers, each given the next alone: in Bit-Swap's order, and with all draws first."""
    torch.manual_seed(3)

    def net(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inputs, 12), nn.SiLU(), nn.Linear(12, outputs))

    layers = [Layer(f"z{i}", size, Bins(12, spread)) for i, size, spread in ((1, 8, 1), (2, 6, 1), (3, 4, 0))]
    sizes = {"x": 36, "z1": 8, "z2": 6, "z3": 4}
    names = list(sizes)
    up = [normals(of_perceptron(net(sizes[a], 2 * sizes[b]), {a: sizes[a]})) for a, b in pairwise(names)]
    down = [
        normals(of_perceptron(net(sizes[b], 2 * sizes[a]), {b: sizes[b]})) for a, b in pairwise(names[1:])
    ]
    image = pixels_of(of_perceptron(net(8, 36), {"z1": 8}, pixels=36), 36)
    swapped, images = bit_swap(layers, up, down, image, 36), binary(7, 400, 36)
    draws = [step for step in swapped.steps if isinstance(step, Draw)]
    sends = [step for step in swapped.steps if not isinstance(step, Draw)]
    sizes_of = {}
    for name, scheme in (("swapped", swapped), ("at once", Scheme((*draws, *sends), 36, 36))):
        coded = encode(scheme, images)
        assert (decode(scheme, coded.content, 400)[0] == images).all()
        sizes_of[name] = coded.bits.sum(), coded.initial_bits
    assert sizes_of["swapped"][0] == pytest.approx(sizes_of["at once"][0], rel=0.015)
    assert sizes_of["swapped"][1] < 0.7 * sizes_of["at once"][1]


def test_damage_is_named(model: ExactModel) -> None:
    """A checksum stands before all this; without one, no damage hangs, leaves an array or is called anything else."""
    images, draw = binary(5, 120, 36), np.random.default_rng(5)
    content = encode(model, images, message=b"names").content
    for trial in range(150):
        broken = bytearray(content)
        place = int(draw.integers(len(broken))) if trial > 40 else trial
        broken[place] ^= 1 << int(draw.integers(8))
        if trial % 3 == 0:
            del broken[int(draw.integers(1, len(broken))) :]
        with pytest.raises(
            DataError, match="damaged"
        ):  # it does not end as it began: seen without a checksum
            decode(model, bytes(broken), 120)
    for junk in (b"", b"\x80" * 40, bytes(50), b"\xff" * 50, content + b"\0\0\0\0"):
        with pytest.raises(DataError, match="damaged"):
            decode(model, junk, 120)
    for count in (0, 1, 119, 121):
        with pytest.raises(DataError, match="rounds do not fit"):
            decode(model, content, count)


def test_images_that_do_not_fit_are_named(model: ExactModel) -> None:
    with pytest.raises(DataError, match="images have 16 values, the model's 36"):
        encode(model, binary(0, 2, 4, 4))
    with pytest.raises(DataError):
        encode(model, 2 * binary(0, 2, 6, 6))


def test_varints() -> None:
    assert [varint(n) for n in (0, 127, 128, 300)] == [b"\0", b"\x7f", b"\x80\x01", b"\xac\x02"]
