"""What runs on an exported page against torch, in chromium: every network, likelihood and kind of model."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vaekit.core import DataError, SettingError
from vaekit.explorer.export.program import Weights, write_program
from vaekit.explorer.export.web import programs
from vaekit.explorer.subject import Call, labels_unchecked
from vaekit.models import AE, VAE, VQVAE

RUN = """async ([written, weights, inputs]) => {
  const { Program } = await import('./program.js');
  const bytes = Uint8Array.from(atob(weights), (c) => c.charCodeAt(0));
  const program = new Program(written, new Float32Array(bytes.buffer));
  return inputs.map((given) => program.run(...given).map((values) => [...values]));
}"""


@pytest.fixture(scope="module")
def page(browser: Any, served: dict[str, str]) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(served["vae"])
    yield page
    context.close()


def run(
    page: Any, written: dict[str, Any], weights: bytes, *inputs: tuple[torch.Tensor, ...]
) -> list[list[np.ndarray]]:
    """Outputs of a program for several inputs, one after another: nothing may be left from the last."""
    given = [[tensor.flatten().tolist() for tensor in one] for one in inputs]
    found = page.evaluate(RUN, [written, base64.b64encode(weights).decode(), given])
    return [[np.array(values) for values in outputs] for outputs in found]


def compare(page: Any, module: nn.Module, *inputs: tuple[torch.Tensor, ...]) -> float:
    """Largest difference of any output from torch, relative to the largest value where that is above 1."""
    weights = Weights()
    written = write_program(module.eval(), inputs[0], weights)
    worst = 0.0
    for one, found in zip(inputs, run(page, written, weights.content(), *inputs), strict=True):
        with torch.no_grad():
            expected = module(*one)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for ours, theirs in zip(expected, found, strict=True):
            ours = ours.flatten().double().numpy()
            worst = max(worst, float(np.abs(ours - theirs).max() / max(1.0, np.abs(ours).max())))
    return worst


class Through(nn.Module):
    """Something that a model does."""

    def __init__(self, model: nn.Module, does: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.model, self.does = model, does

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.does(self.model, x)


def pictures(model: Any, z: torch.Tensor) -> torch.Tensor:
    return model.picture(model.decode(z))


def means(model: Any, x: torch.Tensor) -> torch.Tensor:
    posterior = model.encode(x)
    return torch.cat([posterior.mean, posterior.stddev])


def shaken(model: nn.Module) -> nn.Module:
    """Every parameter away from its start: blocks start as the identity, which hides mistakes."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model


CASES = {
    "mlp": (VAE, (1, 9, 11), {"network": "mlp", "width": 20}),
    "lesson": (VAE, (1, 11, 9), {"network": "lesson"}),
    "lesson, many latents": (VAE, (1, 12, 12), {"network": "lesson", "latent_dim": 40}),
    "resnet in colour": (VAE, (3, 13, 10), {"network": "resnet", "width": 8}),
    "four channels": (AE, (4, 8, 8), {"network": "resnet", "width": 4, "depth": 2}),
    "gaussian-learned": (VAE, (1, 8, 8), {"width": 12, "likelihood": "gaussian-learned"}),
    "continuous-bernoulli": (VAE, (1, 8, 8), {"width": 12, "likelihood": "continuous-bernoulli"}),
    "logistic-mixture": (VAE, (3, 8, 8), {"width": 12, "network": "mlp", "likelihood": "logistic-mixture", "mixtures": 2}),
    "histogram-mixture": (VAE, (3, 8, 8), {"width": 12, "network": "strided", "likelihood": "histogram-mixture", "mixtures": 4}),
    "categorical": (VAE, (1, 8, 8), {"width": 6, "network": "mlp", "likelihood": "categorical"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_networks_and_likelihoods(page, case: str) -> None:
    kind, shape, options = CASES[case]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = shaken(kind(shape, **({"latent_dim": 5} | options)))
    generator = torch.Generator().manual_seed(1)
    codes = [(2 * torch.randn(1, model.latent_dim, generator=generator),) for _ in range(3)]
    images = [(torch.rand(1, *shape, generator=generator),) for _ in range(3)]
    assert compare(page, Through(model, pictures), *codes) < 2e-6
    assert compare(page, Through(model, means), *images) < 2e-6


@pytest.mark.parametrize("name", ["vae", "gan", "cvae", "vqvae"])
def test_whole_runs(page, materials, name: str) -> None:
    subject = materials[name].subject
    written, weights = programs(subject)
    generator = torch.Generator().manual_seed(4)
    y = [(torch.tensor([k]),) if subject.can.classes else () for k in (2, 9)]
    length, count = subject.can.length, subject.can.codes
    codes = [(torch.randn(1, length, generator=generator), *y[k]) for k in range(2)]
    if count:
        codes = [(torch.randint(count, (1, length), generator=generator).float(),) for _ in range(2)]
    images = [(subject.shown(materials[name].split.take(torch.tensor([k]))), *y[k]) for k in range(2)]
    inputs = {"pictures": codes, "codes": images, "nats": images}
    there = {"gan": {"pictures"}, "vqvae": {"pictures", "codes"}}.get(name, inputs.keys())
    assert set(written) & inputs.keys() == there
    for method in set(written) & inputs.keys():
        found = run(page, written[method], weights, *inputs[method])
        for one, outputs in zip(inputs[method], found, strict=True):
            with torch.no_grad():
                expected = getattr(subject, {"codes": "moments"}.get(method, method))(*one)
            expected = expected if isinstance(expected, tuple) else (expected,)
            for ours, theirs in zip(expected, outputs, strict=True):
                assert theirs == pytest.approx(ours.flatten().numpy(), rel=1e-5, abs=2e-6)


class Operations(nn.Module):
    """Steps with options that no network above has."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        kernel = torch.linspace(-1, 1, 2 * 3 * 3 * 2).view(2, 3, 3, 2)
        return (
            F.conv2d(x, kernel, stride=(2, 3), padding=(0, 1)),
            F.conv_transpose2d(x, kernel.view(3, 2, 3, 2), stride=(3, 1), padding=(1, 0)),
            F.pad(x, (1, 2, 0, 3), value=0.5),
            x[:, 1:, ::2, -3:],
            x.amax(dim=(1, 3)),
            x.mean(dim=2, keepdim=True) - x,
            x.permute(3, 0, 2, 1)[1],
            torch.where(x > 0.5, x.sqrt(), -x).clamp(min=-0.3),
            torch.cat([x, 2 * x], dim=2).softmax(dim=2),
            x.log_softmax(dim=1).sum(),
            torch.bmm(x[0], x[0].transpose(1, 2)),
            (4 * x).round() + (3 * x).floor() + x.pow(1.7) + (1 + x).log(),
            (5 * x - 2).long() // 2 + (5 * x - 2).long() % 3,
            (x - 0.5) % 0.3 + torch.div(x - 0.5, 0.2, rounding_mode="floor"),
            x.argmin(dim=2),
            x.argmin(dim=-1, keepdim=True),
            kernel.flatten(1)[(9 * x).long().clamp(max=1)],
            torch.addmm(x[0, 0, 0, :3], x[0, 0], x[0, 1, :6, :3], alpha=-2),
        )


def test_grids_of_codes(page) -> None:
    """Both kinds of codebook, on sides that do not divide into patches."""
    generator = torch.Generator().manual_seed(7)
    for quantizer in ("ema", "fsq"):
        sizes = {} if quantizer == "fsq" else {"code_dim": 4}
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = VQVAE((3, 7, 9), downsample=2, codes=64, quantizer=quantizer, width=8, depth=1, **sizes)
        model = shaken(model).eval()
        with torch.no_grad():
            model.encoder.last.weight.mul_(10)  # so that vectors lie far apart, and at many codes
        grids = [(torch.randint(64, (1, *model.grid), generator=generator).float(),) for _ in range(2)]
        images = [(torch.rand(1, 3, 7, 9, generator=generator),) for _ in range(2)]
        assert len(model.encode_codes(images[0][0]).unique()) > 3
        assert compare(page, Through(model, lambda m, c: m.decode_codes(c.long())), *grids) < 2e-6
        assert compare(page, Through(model, lambda m, x: m.encode_codes(x).float()), *images) == 0


def test_steps_with_unusual_options(page) -> None:
    x = torch.rand(1, 3, 7, 6, generator=torch.Generator().manual_seed(5))
    assert compare(page, Operations(), (x,), (x.flip(2),)) < 2e-6


class Sorting(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sort().values


def test_what_the_page_cannot_compute_is_refused() -> None:
    with pytest.raises(SettingError, match=r"sort.*format='onnx'"):
        write_program(Sorting(), (torch.rand(4),), Weights())


def test_weights_are_stored_once() -> None:
    model = VAE((1, 8, 8), latent_dim=3, width=16)
    weights = Weights()
    write_program(Through(model, means).eval(), (torch.rand(1, 1, 8, 8),), weights)
    size = weights.count
    write_program(Through(model, means).eval(), (torch.rand(1, 1, 8, 8),), weights)
    assert weights.count == size


def test_labels_are_checked_again_after_an_export(runs, materials) -> None:
    subject = materials["cvae"].subject
    z, y = torch.zeros(1, 3), torch.tensor([10])
    with labels_unchecked(subject):
        Call(subject, "pictures")(z, y)
    with pytest.raises(DataError):
        subject.pictures(z, y)
