"""Networks in exact arithmetic: near the floats they come from, equal to Python's integers, equal in any batch."""

from __future__ import annotations

import json
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from by_integers import slow_run
from vaekit.coding.exact import ExactModel
from vaekit.coding.exact_vae import exact_model
from vaekit.coding.integers import Program
from vaekit.coding.knots import FRACTION, ONE
from vaekit.coding.of_networks import TRANSLATIONS, translated
from vaekit.coding.proof import EXACT, Ranges
from vaekit.coding.translate import LIMIT, Builder
from vaekit.config.network_parts import GRID_NETWORKS, NETWORKS, Patches
from vaekit.core import DataError, SettingError
from vaekit.data.labels import one_hot
from vaekit.models import AE, VAE, VQVAE
from vaekit.networks import Spec
from vaekit.networks.patches import grid_networks

KINDS: dict[str, dict[str, Any]] = {
    "mlp": {"shape": (1, 6, 5), "network": "mlp", "width": 12, "depth": 2, "pixels": "binary"},
    "mlp of classes": {"shape": (1, 6, 5), "network": "mlp", "width": 12, "classes": 3, "pixels": "binary"},
    "rows": {"shape": (7,), "network": "mlp", "width": 9, "likelihood": "categorical"},
    "colours, mlp": {"shape": (3, 4, 3), "network": "mlp", "width": 9, "likelihood": "logistic-mixture"},
    "lesson": {"shape": (1, 9, 7), "network": "lesson", "pixels": "binary"},
    "lesson of classes": {"shape": (2, 5, 8), "network": "lesson", "classes": 4, "pixels": "binary"},
    "lesson, many outputs": {"shape": (3, 5, 6), "network": "lesson", "likelihood": "logistic-mixture"},
    "strided": {"shape": (3, 11, 14), "network": "strided", "width": 6, "likelihood": "logistic-mixture"},
    "strided of classes": {
        "shape": (1, 10, 3),
        "network": "strided",
        "width": 5,
        "classes": 2,
        "pixels": "binary",
    },
    "resnet": {"shape": (3, 11, 14), "network": "resnet", "width": 4, "likelihood": "logistic-mixture"},
    "resnet of classes": {
        "shape": (1, 9, 5),
        "network": "resnet",
        "width": 4,
        "classes": 2,
        "pixels": "binary",
    },
    "histograms": {"shape": (3, 5, 4), "network": "strided", "width": 4, "likelihood": "histogram-mixture"},
}


def made(kind: str, seed: int = 0, spread: float = 1.0) -> VAE:
    """A model none of whose layers is 0 or the identity."""
    torch.manual_seed(seed)
    options = {"latent_dim": 5, "likelihood": "bernoulli"} | KINDS[kind]
    if options["likelihood"] == "logistic-mixture":
        options["mixtures"] = 2
    model = VAE(options.pop("shape"), **options).eval()
    with torch.no_grad():
        for weights in (*model.encoder.parameters(), *model.decoder.parameters()):
            inputs = weights[0].numel() if weights.dim() > 1 else 9
            weights.copy_(torch.randn(weights.shape) * spread * (1.5 / inputs) ** 0.5)
    return model


def asked(model: VAE, count: int, seed: int = 1) -> tuple[dict[str, np.ndarray], torch.Tensor | None]:
    """Inputs of both programs for examples at chance."""
    generator = np.random.default_rng(seed)
    top = 1 if model.pixels == "binary" else 255
    inputs = {
        "x": generator.integers(0, top + 1, (count, prod(model.shape))),
        "z": np.rint(generator.normal(size=(count, model.latent_dim)) * ONE).astype(np.int64),
    }
    if not model.classes:
        return inputs, None
    labels = generator.integers(0, model.classes, count)
    return inputs | {"y": np.eye(model.classes, dtype=int)[labels]}, torch.from_numpy(labels)


def both(model: ExactModel, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return model.encoder.run(inputs) | model.decoder.run(inputs)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_exact_arithmetic_is_near_the_floats(kind: str) -> None:
    model = made(kind)
    inputs, labels = asked(model, 6)
    found = both(exact_model(model, weight_bits=16), inputs)
    x = torch.from_numpy(inputs["x"]).view(-1, *model.shape)
    posterior = model.encode(x.to(torch.uint8) if model.pixels == "8-bit" else x.float(), labels)
    condition = None if labels is None else one_hot(labels, model.classes, like=torch.zeros(1))
    wanted = {
        "mean": posterior.mean,
        "log_variance": 2 * posterior.stddev.log(),
        "raw": model.decoder(torch.from_numpy(inputs["z"] / ONE).float(), condition).flatten(1),
    }
    for name, floats in wanted.items():
        assert float(floats.std()) > 0.05
        assert np.abs(found[name] / ONE - floats.numpy()).max() < 16 / ONE, name


@pytest.mark.parametrize("kind", ["mlp of classes", "lesson of classes", "strided", "resnet", "histograms"])
def test_exact_arithmetic_is_that_of_integers_without_a_largest(kind: str) -> None:
    model = made(kind)
    inputs, _ = asked(model, 1)
    exact = exact_model(model)
    for program in (exact.encoder, exact.decoder):
        given = {name: inputs[name] for name in program.inputs}
        slow = slow_run(program, given)
        assert {name: values.tolist() for name, values in program.run(given).items()} == slow


@pytest.mark.parametrize("kind", ["mlp", "strided", "resnet of classes"])
def test_batches_of_any_size_are_equal_to_the_bit(kind: str) -> None:
    model = made(kind)
    inputs, _ = asked(model, 64)
    exact = exact_model(model)
    whole = both(exact, inputs)
    for size in (1, 7):
        parts = [both(exact, {k: v[i : i + size] for k, v in inputs.items()}) for i in range(0, 64, size)]
        for name, values in whole.items():
            assert np.concatenate([part[name] for part in parts]).tobytes() == values.tobytes()


def test_every_network_has_a_translation() -> None:
    for part in NETWORKS.values():
        pair = part().build(Spec((1, 8, 8), 4, 2))
        assert {type(pair.encoder), type(pair.decoder)} <= TRANSLATIONS.keys()
    assert set(GRID_NETWORKS) == {"patches"}  # below


@pytest.mark.parametrize("shape", [(3, 11, 14), (1, 8, 8)])
@torch.no_grad()
def test_grids_of_patches_are_near_the_floats(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    nets = grid_networks(Spec(shape, 4, 4, 2), Patches(downsample=4, width=6, depth=1))
    for weights in (*nets.encoder.parameters(), *nets.decoder.parameters()):
        weights.copy_(torch.randn(weights.shape) * 0.3)
    x = torch.randint(0, 256, (3, *shape))
    b = Builder(16)
    encoder = b.program(
        {"vectors": translated(b, nets.encoder, b.input("x", shape, 0, 255, 1 / 255, 0), None)}
    )
    floats = nets.encoder(x / 255)
    found = encoder.run({"x": x.flatten(1).numpy()})["vectors"] / ONE
    assert np.abs(found - floats.flatten(1).numpy()).max() < 16 / ONE
    b = Builder(16)
    z = b.input("z", tuple(floats.shape[1:]), -LIMIT, LIMIT, 1.0, FRACTION)
    decoder = b.program({"raw": translated(b, nets.decoder, z, None)})
    vectors = np.rint(floats.flatten(1).numpy() * ONE)
    found = decoder.run({"z": vectors})["raw"] / ONE
    assert np.abs(found - nets.decoder(floats).flatten(1).numpy()).max() < 16 / ONE


@torch.no_grad()
def test_nats_are_lost_neither_by_weights_nor_by_activations() -> None:
    """-ELBO of a network of moderate size at the same draws, less than a thousandth of it apart."""
    torch.manual_seed(0)
    model = VAE(
        (1, 8, 8), latent_dim=8, network="mlp", width=64, likelihood="bernoulli", pixels="binary"
    ).eval()
    x = (torch.rand(200, 1, 8, 8) < 0.3).float()
    with torch.enable_grad():
        learn(model, x)
    noise = torch.randn(200, 8)
    exact = exact_model(model)
    posterior = model.encode(x)
    floats = negative_bound(model, x, posterior.mean, 2 * posterior.stddev.log(), noise, None)
    found = exact.encoder.run({"x": x.flatten(1).numpy()})
    mean, log_variance = (torch.from_numpy(found[k] / ONE).float() for k in ("mean", "log_variance"))
    assert abs(float(negative_bound(model, x, mean, log_variance, noise, exact.decoder) / floats) - 1) < 1e-3


def learn(model: VAE, x: torch.Tensor) -> None:
    model.train()
    for _ in range(60):
        posterior = model.encode(x)
        noise = torch.randn(len(x), 8)
        negative_bound(model, x, posterior.mean, 2 * posterior.stddev.log(), noise, None).backward()
        with torch.no_grad():
            for weights in model.parameters():
                assert weights.grad is not None
                weights -= 0.01 * weights.grad
                weights.grad = None
    model.eval()


def negative_bound(
    model: VAE,
    x: torch.Tensor,
    mean: torch.Tensor,
    log_variance: torch.Tensor,
    noise: torch.Tensor,
    decoder: Program | None,
) -> torch.Tensor:
    z = mean + (log_variance / 2).exp() * noise
    if decoder is None:
        raw = model.decoder(z).view(x.shape)
    else:
        raw = torch.from_numpy(decoder.run({"z": np.rint(z.numpy() * float(ONE))})["raw"] / ONE)
        raw = raw.float().view(x.shape)
    rate = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)
    return (rate - model.likelihood(raw).log_prob(x)).mean()


def test_a_model_goes_through_json_and_arrays() -> None:
    model = exact_model(made("histograms"))
    about, arrays = model.to_arrays()
    assert {array.dtype.kind for array in arrays.values()} == {"i"}
    read = ExactModel.from_arrays(json.loads(json.dumps(about)), arrays, "x.vk")
    inputs, _ = asked(made("histograms"), 3)
    assert read.hash() == model.hash()
    assert (read.likelihood["tables"] == model.likelihood["tables"]).all()
    assert read.shape == model.shape and read.likelihood["name"] == "histogram-mixture"
    assert all((values == both(model, inputs)[name]).all() for name, values in both(read, inputs).items())


def test_the_hash_is_of_what_is_computed() -> None:
    model = made("mlp of classes")
    first = exact_model(model).hash()
    assert exact_model(made("mlp of classes")).hash() == first
    assert exact_model(model, weight_bits=11).hash() != first
    with torch.no_grad():
        model.decoder.last.bias[0] += 2**-11  # type: ignore[index, union-attr]
    assert exact_model(model).hash() != first


@pytest.mark.parametrize(
    "changes",
    [{"latent_dim": 4}, {"classes": 0}, {"pixels": "8-bit"}, {"pixels": "x"}, {"shape": [1, 6, 6]}, {"shape": 3},
     {"likelihood": {"name": "bernoulli", "numbers": 2}}, {"likelihood": {}}, {"weight_bits": "x"}, {"encoder": {}}],
)  # fmt: skip
def test_descriptions_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    about, arrays = exact_model(made("mlp of classes")).to_arrays()
    with pytest.raises(DataError, match=r"^x\.vk: its (model|network) is damaged"):
        ExactModel.from_arrays(about | changes, arrays, "x.vk")
    with pytest.raises(DataError, match=r"^x\.vk: its network is damaged"):
        ExactModel.from_arrays(about, {name: arrays[name] for name in list(arrays)[1:]}, "x.vk")


def test_conditions() -> None:
    model = exact_model(made("mlp of classes"))
    assert model.one_hot(np.array([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(DataError, match="from 0 to 2"):
        model.one_hot(np.array([3]))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: VAE((1, 4, 4), likelihood="gaussian"), "likelihood='gaussian' on 8-bit pixels gives no mass"),
        (lambda: VAE((1, 4, 4), likelihood="bce", pixels="binary"), "likelihood='bce' on binary pixels"),
        (lambda: AE((1, 4, 4), likelihood="categorical"), "AE cannot code images without loss"),
        (lambda: VQVAE((1, 4, 4)), "VQVAE cannot code images without loss"),
        (lambda: VAE((4,), likelihood="categorical", encoder=Own(4, 40), decoder=Own(20, 1024)), "knows no Own"),
    ],
)  # fmt: skip
def test_what_cannot_be_coded_says_so(model: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        exact_model(model())


class Own(nn.Linear):
    """A user's own network."""

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return super().forward(x)


def test_large_weights_are_rounded_more_coarsely_and_larger_ones_are_refused() -> None:
    model = made("mlp")
    assert isinstance(model.decoder, nn.Module)
    bits = {}
    for power in (0, 10, 16):
        with torch.no_grad():
            model.decoder.last.weight.fill_(2.0**power)  # type: ignore[union-attr]
        program = exact_model(model, weight_bits=24).decoder
        ranges = Ranges(program.inputs, program.arrays)
        for op in program.ops:
            ranges.follow(op)
        last = next(op for op in reversed(program.ops) if op["op"] == "linear")
        bits[power] = int(np.log2(program.arrays[last["weight"]].max())) - power
        assert 2 ** (bits[power] + 1) * max(map(ranges.largest, last["in"])) < EXACT
    assert bits[0] == 24 and bits[0] > bits[16] >= 8
    with torch.no_grad():
        model.decoder.last.weight.fill_(2.0**36)  # type: ignore[union-attr]
    with pytest.raises(SettingError, match=r"largest weight is 6\.87e\+10 could pass 2\^53"):
        exact_model(model)
    with torch.no_grad():
        model.decoder.last.weight.fill_(float("nan"))  # type: ignore[union-attr]
    with pytest.raises(SettingError, match="not finite"):
        exact_model(model)


def test_deep_networks_are_cut_off_where_no_bound_is_had() -> None:
    torch.manual_seed(0)
    model = VAE((4,), latent_dim=3, network="mlp", width=32, depth=12, likelihood="categorical").eval()
    with torch.no_grad():
        for weights in model.decoder.parameters():
            weights.normal_(0, 0.2)
    exact = exact_model(model)
    assert any(op["op"] == "clamp" and op["high"] == LIMIT for op in exact.decoder.ops)
    z = np.array([[700, -9000, 4096]])
    floats = model.decoder(torch.from_numpy(z / ONE).float()).flatten(1).detach().numpy()
    assert np.abs(exact.decoder.run({"z": z})["raw"] / ONE - floats).max() < 1e-2 * np.abs(floats).max()
