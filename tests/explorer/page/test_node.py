"""The page's modules in node, without a browser: against torch and plain arithmetic in Python.

Everything that the `*.test.js` files expect is worked out here, by other means than the page's.
"""

from __future__ import annotations

import base64
import json
import math
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drawing import fixed_draw
from page_tools import FOLDER, PAGE, installed, node, tool
from vaekit.explorer.export.program import Weights, write_program
from vaekit.explorer.export.web import write_page
from vaekit.explorer.material import Material

NODE = node()
EXPORTED = ("vae", "cvae", "gan", "vqvae")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node here")

UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid, "relu": torch.relu, "exp": torch.exp, "expm1": torch.expm1, "neg": torch.neg,
    "abs": torch.abs, "tanh": torch.tanh, "floor": torch.floor, "sign": torch.sign, "round": torch.round,
    "log": lambda x: (x.abs() + 0.1).log(), "log1p": lambda x: x.abs().log1p(), "sqrt": lambda x: x.abs().sqrt(),
    "reciprocal": lambda x: (x.abs() + 0.5).reciprocal(), "logical_not": lambda x: (x > 0).logical_not().float(),
    "trunc": lambda x: x.long().float(),
}  # fmt: skip
KERNEL = torch.linspace(-1, 1, 2 * 3 * 3 * 2).view(2, 3, 3, 2)
OTHERS: dict[str, Callable[[Tensor, Tensor], Any]] = {  # of x and w (1, 3, 7, 6)
    "add": lambda x, w: (x + w, x + x.amax(1, keepdim=True), torch.add(x, w, alpha=-3), x + 0.25),
    "sub": lambda x, w: (x - w, 1 - x, torch.sub(x, x[0, 0, 0], alpha=2)),
    "mul": lambda x, w: (x * x, x * x[:, :1], torch.logical_and(x > 0, w > 0)),
    "div": lambda x, w: (x / (x.abs() + 1), 2 / (x.abs() + 1)),
    "pow": lambda x, w: (x**2, x.abs() ** 1.7, (x.abs() + 1) ** -0.5),
    "maximum": lambda x, w: torch.maximum(x, w),
    "minimum": lambda x, w: torch.minimum(x, x[:, :, :1]),
    "comparisons": lambda x, w: tuple(
        y.float() for y in (x > 0.5, x >= 0.5, x < -0.5, x <= 0.5, x.round() == 1, x > w, x < w, x == w)
    ),
    "floor_div": lambda x, w: (torch.div(x, 0.4, rounding_mode="floor"), (5 * x).long() // 2),
    "remainder": lambda x, w: (x % 0.3, (5 * x).long() % 3, torch.remainder(x, w.abs() + 0.1)),
    "linear": lambda x, w: (
        F.linear(x[0, 0], KERNEL.view(6, 6), KERNEL.view(6, 6)[0]),
        torch.mm(x[0, 0], KERNEL.view(6, 6)),
        torch.addmm(x[0, 0, 0, :3], x[0, 0], x[0, 1, :6, :3], alpha=-2),
    ),
    "matmul": lambda x, w: torch.bmm(x[0], x[0].transpose(1, 2)),
    "convolution": lambda x, w: (
        F.conv2d(x, KERNEL),
        F.conv2d(x, KERNEL, x[0, 0, 0, :2], padding=1),
        F.conv2d(x, KERNEL, stride=(2, 3), padding=(0, 1)),
        F.conv2d(x, KERNEL, stride=(3, 2), padding=(2, 1)),
    ),
    "transposed": lambda x, w: (
        F.conv_transpose2d(x, KERNEL.view(3, 2, 3, 2)),
        F.conv_transpose2d(x, KERNEL.view(3, 2, 3, 2), x[0, 0, 0, :2], stride=2, padding=1),
        F.conv_transpose2d(x, KERNEL.view(3, 2, 3, 2), stride=(3, 1), padding=(1, 0)),
        F.conv_transpose2d(x, KERNEL.view(3, 2, 3, 2), stride=(1, 3), padding=(2, 1)),
    ),
    "clamp": lambda x, w: (x.clamp(-0.3, 0.4), x.clamp(min=0.1), x.clamp(max=-0.1)),
    "where": lambda x, w: (torch.where(x > 0, x, -2 * x), torch.where(x[:, :1] > 0, x, 1.5)),
    "cat": lambda x, w: (torch.cat([x, 2 * x], 0), torch.cat([x, x[:, :1], -x], 1), torch.cat([x, x[..., 1:]], -1)),
    "pad": lambda x, w: (F.pad(x, (1, 2)), F.pad(x, (0, 1, 2, 3, 1, 0), value=0.5)),
    "slice": lambda x, w: (x[:, 1:, ::2, -3:], x[0, 2], x[..., 4], *x.split([1, 2, 4], dim=2)[::2]),
    "scatter": lambda x, w: (
        torch.slice_scatter(x, x[:, :1] * 3, 1, 1, 2),
        torch.slice_scatter(x, x[..., :3], 3, 0, 6, 2),
    ),
    "rows": lambda x, w: (KERNEL.flatten(1)[(x > 0).long()], x[0, 0][(x[0, 1, 0].abs()).long().clamp(max=6)]),
    "argmin": lambda x, w: (x.argmin(2), x.argmin(-1, keepdim=True), x.round().argmin(1)),
    "fill": lambda x, w: (torch.full_like(x, 0.7) + x, torch.zeros_like(x) * x),
    "sums": lambda x, w: (x.sum(), x.sum(1), x.sum((0, 2), keepdim=True), x.mean((1, 3)), x.mean(-1)),
    "amax": lambda x, w: (x.amax((1, 3)), x.amax(2, keepdim=True)),
    "softmax": lambda x, w: (x.softmax(1), (9 * x).softmax(-1), x.log_softmax(2), (200 * x).log_softmax(1)),
    "expand": lambda x, w: (x[:, :1].expand(2, 3, 7, 6) + 1, x.mean(2, keepdim=True).expand(1, 3, 4, 6).contiguous()),
    "permute": lambda x, w: (x.permute(3, 0, 2, 1) + 0, x.transpose(1, 3).flatten(), x.mT.reshape(6, 21)),
}  # fmt: skip


class Through(nn.Module):
    def __init__(self, does: Callable[..., Any]) -> None:
        super().__init__()
        self.does = does

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        found = self.does(*given)
        return found if isinstance(found, tuple) else (found,)


def operation(name: str, does: Callable[..., Any]) -> dict[str, Any]:
    """A program, inputs for it, and what torch makes of them."""
    generator = torch.Generator().manual_seed(len(name))
    count = 1 if name in UNARY else 2
    inputs = [[2 * torch.randn(1, 3, 7, 6, generator=generator) for _ in range(count)] for _ in range(2)]
    for x in inputs[1]:
        x.view(-1)[:24] = torch.arange(-12, 12) / 2  # halves, whole numbers and zero; equal ones in x and w
    module, weights = Through(does).eval(), Weights()
    written = write_program(module, tuple(inputs[0]), weights)
    return {
        "name": name,
        "written": written,
        "weights": base64.b64encode(weights.content()).decode(),
        "inputs": [[x.flatten().tolist() for x in given] for given in inputs],
        "outputs": [[y.float().flatten().tolist() for y in module(*given)] for given in inputs],
    }


def draws() -> list[dict[str, list[int]]]:
    random = np.random.default_rng(2)
    pictures = [random.integers(0, 256, size).tolist() for size in (1, 16, 784, 3 * 70 * 70)]
    pictures += [[255] * 50, [0] * 50, [0, 255, 128] * 20, random.integers(0, 2, 100).tolist()]
    return [{"levels": levels, "drawn": fixed_draw(levels)} for levels in pictures]


def mulberry32(seed: int, count: int) -> list[int]:
    """T. Ettinger's generator in Python's own whole numbers."""
    state, found = seed % 2**32, []
    for _ in range(count):
        state = (state + 0x6D2B79F5) % 2**32
        t = ((state ^ (state >> 15)) * (state | 1)) % 2**32
        t ^= (t + (t ^ (t >> 7)) * (t | 61)) % 2**32
        found.append(t ^ (t >> 14))
    return found


def fit() -> dict[str, Any]:
    """1,000 points and two strays: the square around all but the outermost 0.2 % at each side."""
    points = np.random.default_rng(5).normal(size=(1000, 2)).astype(np.float32) * (3, 0.5) + (1, -2)
    points[:2] = 1e4, -1e4
    ranks = np.sort(points, axis=0)
    low, high = ranks[math.floor(0.002 * 999)], ranks[math.ceil(0.998 * 999)]
    span = 1.08 * float((high - low).max())
    return {"places": points.flatten().tolist(), "middle": ((low + high) / 2).tolist(), "span": span}


def plane() -> dict[str, Any]:
    """Two orthonormal directions, and the latents nearest to z that lies at a place: least squares."""
    random = np.random.default_rng(6)
    directions, z, place = (
        np.linalg.qr(random.normal(size=(5, 2)))[0].T,
        random.normal(size=5),
        np.array([1.5, -0.25]),
    )
    step = np.linalg.lstsq(directions, place - directions @ z, rcond=None)[0]
    moved = {"z": z.tolist(), "place": place.tolist(), "moved": (z + step).tolist()}
    return {"directions": directions.tolist(), "labels": ["", ""], **moved}


def arc() -> dict[str, Any]:
    """Between two vectors of one length: the first, turned towards the second by a share of their angle."""
    random = np.random.default_rng(7)
    a, b = (3 * v / np.linalg.norm(v) for v in random.normal(size=(2, 4)))
    angle = math.acos(a @ b / 9)
    beside = b - (b @ a / 9) * a
    beside *= 3 / np.linalg.norm(beside)
    turned = [(t, math.cos(t * angle) * a + math.sin(t * angle) * beside) for t in (0, 0.3, 0.5, 1)]
    return {"a": a.tolist(), "b": b.tolist(), "arc": [{"t": t, "code": code.tolist()} for t, code in turned]}


def expected(material: Material, name: str) -> dict[str, Any]:
    """Pictures, latents and scores of a run by its own model."""
    subject, can = material.subject, material.subject.can
    generator = torch.Generator().manual_seed(8)
    codes = torch.randn(3, can.length, generator=generator)
    if can.codes:
        codes = torch.randint(can.codes, (3, can.length), generator=generator).float()
    y = torch.tensor([2, 9, 0]) if can.classes else None
    found: dict[str, Any] = {
        "page": name,
        "codes": codes.tolist(),
        "classes": None if y is None else y.tolist(),
        "pictures": subject.decode(codes, y).flatten(1).tolist(),
    }
    if can.encodes:
        images = material.split.images[:3]
        mean, deviation = subject.encode(images, y)
        found |= {
            "images": images.flatten(1).tolist(),
            "means": mean.tolist(),
            "deviations": deviation.tolist(),
        }
    if can.scores:
        found["scores"] = subject.score(material.split.images[:3], y).tolist()
    return found


def of_data(material: Material) -> dict[str, Any]:
    """Codes of a few images, the last included, and all labels."""
    embedding, labels = material.embedding, material.split.labels
    assert embedding is not None and labels is not None
    points = {
        k: embedding.mean[k].tolist() for k in (0, 1, len(embedding.mean) // 2, len(embedding.mean) - 1)
    }
    return {"points": points, "labels": labels.tolist()}


@pytest.fixture(scope="module")
def given(materials: dict[str, Material], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of exported pages and of what is expected of the page's modules."""
    folder = tmp_path_factory.mktemp("given")
    for name in EXPORTED:
        write_page(materials[name], folder / name)
    at = [x / 4 for x in range(-12, 13)]
    contents = {
        "operations": [operation(name, does) for name, does in (UNARY | OTHERS).items()],
        "draws": draws(),
        "random": [
            {"seed": seed, "numbers": mulberry32(seed, 20)} for seed in (0, 1, 2**31, 2**32 - 1, 987654321)
        ],
        "normal": {"at": at, "below": [NormalDist().cdf(x) for x in at]},
        "fit": fit(),
        "plane": plane(),
        "arc": arc(),
        "exported": [expected(materials[name], name) for name in EXPORTED],
        "data": {
            name: of_data(materials[name]) for name in EXPORTED if materials[name].embedding is not None
        },
    }
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", [path.name for path in sorted(FOLDER.glob("*.test.js"))])
def test_modules(given: Path, name: str) -> None:
    assert NODE is not None
    command = [*NODE, "--test-reporter=tap", str(FOLDER / name)]
    env = os.environ | {"VAEKIT_GIVEN": str(given)}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, check=False, timeout=120)
    assert done.returncode == 0 and "# fail 0" in done.stdout, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout and "# tests 0" not in done.stdout


def test_every_module_is_type_checked() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
    assert texts and [name for name, text in texts.items() if not text.startswith("// @ts-check\n")] == []
    assert [name for name, text in texts.items() if "@ts-ignore" in text or "@ts-nocheck" in text] == []


def test_what_is_sent_is_what_the_page_expects(
    given: Path, materials: dict[str, Material], tmp_path: Path
) -> None:
    """about.json and programs.json of every run have the fields of types.d.ts, and no others."""
    if not installed():
        pytest.skip("typescript is not installed: `make lint` does it where npm has its registry")
    lines = [f'import type {{ About, Programs }} from "{(PAGE / "types").as_posix()}";']
    for k, material in enumerate(materials.values()):
        lines.append(f"export const about{k}: About = {json.dumps(material.about())};")
    for name in EXPORTED:
        for kind, file in (("About", "about"), ("Programs", "programs")):
            content = (given / name / "data" / f"{file}.json").read_text(encoding="utf-8")
            lines.append(f"export const {name}_{file}: {kind} = {content};")
    (tmp_path / "sent.ts").write_text("\n".join(lines), encoding="utf-8")
    config = {"extends": str(FOLDER / "tsconfig.json"), "include": ["sent.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    command = tool("typescript/bin/tsc", "-p", str(tmp_path))
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout[:3000]
