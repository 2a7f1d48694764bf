"""A foreign autoencoder is measured alike in whatever convention it is spoken to; a wrong one is one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal

import small_onnx as onnx
import vaekit
from vaekit import Card, Split
from vaekit.core import InputError, RunError, SettingError

GREY, COLOUR = (1, 12, 10), (3, 12, 10)
D = 4


def images(shape: tuple[int, int, int]) -> Split:
    values = torch.rand(37, *shape, generator=torch.Generator().manual_seed(0))
    return Split((values * 255).round().to(torch.uint8))


def matrices(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the mean and the log-variance (P + 1, D), and of the decoder (D, P): reconstructions in [0, 1]."""
    rng, size = np.random.default_rng(0), int(np.prod(shape))
    mean = np.vstack([rng.random((size, D)) / size, np.zeros((1, D))])
    logvar = np.vstack([rng.standard_normal((size, D)) / size, rng.standard_normal((1, D))])
    back = rng.random((D, size))
    return mean, logvar, back / back.sum(0)


def expected(shape: tuple[int, int, int]) -> tuple[float, float]:
    """Mean squared error and bits, by numpy alone."""
    mean, logvar, back = matrices(shape)
    x = images(shape).images.numpy().reshape(37, -1) / 255
    one = np.hstack([x, np.ones((37, 1))])
    m, v = one @ mean, one @ logvar
    bits = (m**2 + np.exp(v) - 1 - v).sum(1) / 2 / np.log(2)
    return float(((m @ back - x) ** 2).mean()), float(bits.mean())


def measured(folder: Path, shape: tuple[int, int, int], into: dict, out: dict, **said: object) -> Card:
    mean, logvar, back = matrices(shape)
    encoder = onnx.encoder(folder / "e.onnx", shape, {"mean": mean, "logvar": logvar}, **into)
    decoder = onnx.decoder(folder / "d.onnx", shape, back, **out)
    return vaekit.card(encoder=encoder, decoder=decoder, data=images(shape), **said)  # type: ignore[arg-type]


CONVENTIONS = {
    "plain": (GREY, {}, {}, {}),
    "colour": (COLOUR, {}, {}, {}),
    "channels last": (COLOUR, {"axes": "NHWC"}, {"axes": "NHWC"}, {}),
    "in last, out first": (COLOUR, {"axes": "NHWC"}, {}, {}),
    "no channel": (GREY, {"axes": "NHW"}, {"axes": "NHW"}, {}),
    "flat": (COLOUR, {"axes": "flat"}, {"axes": "flat"}, {}),
    "signed": (COLOUR, {"values": "-1..1"}, {"values": "-1..1"}, {"range": "-1..1"}),
    "signed in": (COLOUR, {"values": "-1..1"}, {}, {"range": "-1..1", "decoder_range": "0..1"}),
    "levels": (GREY, {"values": "0..255"}, {"values": "0..255"}, {"range": "0..255"}),
    "bytes in": (GREY, {"values": "0..255", "dtype": onnx.BYTE}, {}, {}),
    "double": (GREY, {"dtype": onnx.DOUBLE}, {"dtype": onnx.DOUBLE}, {}),
    "one at a time": (GREY, {"batch": 1}, {"batch": 1}, {}),
    "five at a time": (GREY, {"batch": 5}, {"batch": 9}, {}),
    "no axis is declared": (COLOUR, {"size": (None, "h", "w")}, {}, {}),
    "last, none is declared": (COLOUR, {"axes": "NHWC", "size": ("h", "w", "c")}, {"axes": "NHWC"}, {"axes": "NHWC"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CONVENTIONS)
def test_one_function_in_every_convention(tmp_path: Path, case: str) -> None:
    shape, into, out, said = CONVENTIONS[case]
    figures = measured(tmp_path, shape, into, out, **said).figures
    mse, bits = expected(shape)
    assert figures["mse"].value == pytest.approx(mse, rel=2e-5)
    assert figures["rate_bits"].value == pytest.approx(bits, rel=2e-5)


@pytest.mark.parametrize(
    ("dtypes", "error"), [((onnx.HALF, onnx.HALF), 2e-3), ((onnx.BYTE, onnx.BYTE), 2e-3)]
)
def test_rougher_numbers(tmp_path: Path, dtypes: tuple[int, int], error: float) -> None:
    values = "0..255" if onnx.BYTE in dtypes else "0..1"
    into, out = ({"dtype": dtype, "values": values} for dtype in dtypes)
    found = measured(tmp_path, GREY, into, out)
    assert found.figures["mse"].value == pytest.approx(expected(GREY)[0], rel=error)
    assert found.model["range"] == values


def modules(shape: tuple[int, int, int]) -> tuple[Callable, Callable]:
    mean, logvar, back = (torch.from_numpy(matrix).float() for matrix in matrices(shape))

    def encode(x: torch.Tensor) -> Normal:
        one = torch.cat([x.flatten(1), torch.ones(len(x), 1)], 1)
        return Normal(one @ mean, (one @ logvar / 2).exp())

    return encode, lambda z: (z @ back).unflatten(1, shape)


class Whole(nn.Module):
    """Both networks; wrong in training mode."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.e, self.d = modules(shape)
        self.scale = nn.Parameter(torch.ones(()))

    def encode(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        q = self.e(x * self.scale)
        return {"mu": q.mean * (100 if self.training else 1), "logvar": 2 * q.stddev.log()}

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.d(z * self.scale)


def by_numpy(shape: tuple[int, int, int]) -> tuple[Callable, Callable]:
    mean, logvar, back = (matrix.astype(np.float32) for matrix in matrices(shape))

    def encode(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        one = np.hstack([x.reshape(len(x), -1), np.ones((len(x), 1), x.dtype)])
        return one @ mean, one @ logvar

    return encode, lambda z: (z @ back).reshape(-1, *shape)


@pytest.mark.parametrize("kind", ["distribution", "module", "numpy"])
def test_functions(kind: str) -> None:
    whole = Whole(COLOUR).train()
    pairs = {"distribution": modules(COLOUR), "module": (whole.encode, whole), "numpy": by_numpy(COLOUR)}
    encoder, decoder = pairs[kind]
    said = {"latents": "mean,logvar"} if kind == "numpy" else {}
    found = vaekit.card(encoder=encoder, decoder=decoder, data=images(COLOUR), **said)
    mse, bits = expected(COLOUR)
    assert found.figures["mse"].value == pytest.approx(mse, rel=2e-5)
    assert found.figures["rate_bits"].value == pytest.approx(bits, rel=2e-5)
    assert whole.training


def test_codes_cost_the_logarithm_of_their_number(tmp_path: Path) -> None:
    """Codes of a 2 x 3 grid, whole numbers, whose decoder takes them."""

    def encode(x: torch.Tensor) -> torch.Tensor:
        return (x[:, 0, :2, :3] * 7).round().long()

    def decode(codes: torch.Tensor) -> torch.Tensor:
        assert codes.dtype == torch.int64
        return (codes.float().mean((1, 2)) / 7)[:, None, None, None].expand(-1, *GREY)

    found = vaekit.card(encoder=encode, decoder=decode, data=images(GREY), codes=8)
    assert found.figures["fixed_bits"].value == 18
    assert found.figures["fixed_bits"].error == 0
    without = vaekit.card(encoder=encode, decoder=decode, data=images(GREY))
    assert "fixed_bits" not in without.figures
    assert any("numbers up to 7 occur: give codes=K" in note for note in without.notes)
    with pytest.raises(SettingError, match="codes=5: the encoder gives codes from 0 to 7"):
        vaekit.card(encoder=encode, decoder=decode, data=images(GREY), codes=5)


def test_what_is_odd_is_noted() -> None:
    encode, decode = modules(GREY)
    signed = vaekit.card(encoder=encode, decoder=lambda z: 2 * decode(z) - 1, data=images(GREY))
    assert any(
        "is range= what the networks take and give, or are these logits?" in note for note in signed.notes
    )
    drawn = vaekit.card(encoder=lambda x: encode(x).sample(), decoder=decode, data=images(GREY))
    assert any("draws at random" in note for note in drawn.notes)
    assert "rate_bits" not in drawn.figures
    same = vaekit.card(encoder=lambda x: x, decoder=lambda x: x, data=images(GREY))
    assert (same.figures["mse"].value, same.figures["ssim"].value) == (0, pytest.approx(1))
    assert "psnr_db" not in same.figures


def two_inputs(folder: Path) -> Path:
    path = onnx.encoder(folder / "two.onnx", GREY, {"mean": matrices(GREY)[0]})
    import onnx as format

    model = format.load(path)
    model.graph.input.append(format.helper.make_tensor_value_info("noise", 1, ["n", D]))
    path.write_bytes(model.SerializeToString())
    return path


def conditional(folder: Path, name: str) -> dict[str, Path]:
    """A decoder that adds a tenth of the class to every pixel."""
    mean, _, back = matrices(GREY)
    graph = onnx.Graph(("n", D), name="z")
    graph.node("MatMul", (back / 2).astype(np.float32))
    pixels = graph.node("Reshape", np.array([-1, *GREY]))
    graph.inputs.append(onnx.helper.make_tensor_value_info(name, onnx.LONG, ["n"]))
    graph.node("Cast", of=name, to=onnx.FLOAT)
    graph.node("Mul", np.float32(0.1))
    shift = graph.node("Reshape", np.array([-1, 1, 1, 1]))
    graph.nodes.append(onnx.helper.make_node("Add", [pixels, shift], ["sum"]))
    graph.output("image", ("n", *GREY), of="sum")
    return {
        "encoder": onnx.encoder(folder / "e.onnx", GREY, {"mean": mean}),
        "decoder": graph.write(folder / "c.onnx"),
    }


def test_networks_that_take_the_class(tmp_path: Path) -> None:
    split = images(GREY)
    labelled = Split(split.images, torch.arange(37) % 5)
    networks = conditional(tmp_path, "class")
    found = vaekit.card(**networks, data=labelled)
    mean, _, back = matrices(GREY)
    x = split.images.numpy().reshape(37, -1) / 255
    rebuilt = x @ mean[:-1] @ back / 2 + 0.1 * (np.arange(37) % 5)[:, None]
    assert found.figures["mse"].value == pytest.approx(((rebuilt - x) ** 2).mean(), rel=2e-5)
    with pytest.raises(SettingError, match=r"takes the class of each image \(class\); these have no labels"):
        vaekit.card(**networks, data=split)
    with pytest.raises(SettingError, match=r"takes 2 inputs \(z, noise\)"):
        vaekit.card(**conditional(tmp_path, "noise"), data=labelled)


def not_finite(folder: Path) -> Path:
    return onnx.decoder(folder / "nan.onnx", GREY, matrices(GREY)[2] * np.nan)


def refused(folder: Path, name: str) -> dict[str, object]:
    """Arguments of `card`, one of them wrong."""
    mean, logvar, back = matrices(GREY)
    e = onnx.encoder(folder / "e.onnx", GREY, {"mean": mean, "logvar": logvar})
    d = onnx.decoder(folder / "d.onnx", GREY, back)
    (folder / "text.onnx").write_text("this is no network")
    (folder / "empty.onnx").write_bytes(b"")
    (folder / "cut.onnx").write_bytes(d.read_bytes()[: len(d.read_bytes()) // 2])
    given: dict[str, object] = {"encoder": e, "decoder": d, "data": images(GREY)}
    other = {
        "missing": lambda: {"encoder": folder / "none.onnx"},
        "folder": lambda: {"encoder": folder},
        "text": lambda: {"encoder": folder / "text.onnx"},
        "empty": lambda: {"decoder": folder / "empty.onnx"},
        "cut": lambda: {"decoder": folder / "cut.onnx"},
        "two inputs": lambda: {"encoder": two_inputs(folder)},
        "other latents": lambda: {"decoder": onnx.decoder(folder / "o.onnx", GREY, back[:3])},
        "other size": lambda: {
            "encoder": onnx.encoder(folder / "o.onnx", (1, 16, 16), {"mean": np.ones((257, D))}),
        },
        "other channels": lambda: {"encoder": onnx.encoder(folder / "o.onnx", COLOUR, {"mean": np.ones((361, D))})},
        "other images back": lambda: {"decoder": onnx.decoder(folder / "o.onnx", (1, 6, 10), back[:, :60])},
        "swapped": lambda: {"encoder": d, "decoder": e},
        "two outputs back": lambda: {"decoder": e, "encoder": lambda x: x},
        "not finite": lambda: {"decoder": not_finite(folder)},
        "no decoder": lambda: {"decoder": None},
        "no data": lambda: {"data": None},
        "a number": lambda: {"decoder": 3},
        "a model too": lambda: {"model": "run"},
        "function fails": lambda: {"encoder": lambda x: x.nothing()},
        "function forgets": lambda: {"encoder": lambda x: x[:1]},
        "unknown option": lambda: {"rang": "0..1"},
        "unknown range": lambda: {"range": "0..2"},
        "axes of rows": lambda: {"axes": "NHW", "data": images(COLOUR)},
        "options of loading": lambda: {"image_size": "16"},
        "whole numbers": lambda: {"decoder": onnx.decoder(folder / "o.onnx", GREY, back, given=onnx.LONG),
                                  "latents": "z"},
    }  # fmt: skip
    return given | other[name]()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing", "cannot read .*none.onnx: No such file"),
        ("folder", "cannot read "),
        ("text", r"encoder='.*text.onnx': not an ONNX file that can be run \("),
        ("empty", r"decoder='.*empty.onnx': not an ONNX file that can be run \("),
        ("cut", r"decoder='.*cut.onnx': not an ONNX file that can be run \("),
        ("two inputs", r"takes 2 inputs \(x, noise\); one is wanted"),
        ("other latents", "gives latents of 4 and decoder='.*' takes 3: they do not belong together"),
        ("other size", "takes 1x16x16, and these images are 1x12x10: give image_size='16x16'"),
        ("other channels", "takes 3x12x10, and these images are 1x12x10: give images of that form"),
        ("other images back", "gives images of 1x6x10, and these are 1x12x10"),
        ("swapped", "takes 4, and these images are 1x12x10"),
        ("two outputs back", r"gives 2 outputs \(mean, logvar\); one is wanted, the images"),
        ("not finite", "gives numbers that are not finite for 37 of 37 images"),
        ("no decoder", "decoder= is missing; an encoder and a decoder are measured together"),
        ("no data", "data= is missing"),
        ("a number", "decoder is a int; give an ONNX file or a function"),
        ("a model too", "leave one away"),
        ("function fails", "encoder=<lambda>: fails on an input of 37x1x12x10 .*no attribute 'nothing'"),
        ("function forgets", "its output output has no row for each of 37 inputs"),
        ("unknown option", "unknown option 'rang'. Did you mean range?"),
        ("unknown range", "range: '0..2' is not one of auto, 0..1, -1..1, 0..255"),
        ("axes of rows", "axes='NHW': images of 3x12x10 have no such order of axes"),
        ("options of loading", "image_size= is for a source; these images are loaded already"),
        ("whole numbers", "takes whole numbers, and encoder='.*' gives others; latents='codes'"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, name: str, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((RunError, SettingError)) as raised:
        vaekit.card(**refused(tmp_path, name))  # type: ignore[arg-type]
    line = str(raised.value)
    assert isinstance(raised.value, InputError)
    assert re.search(says, line), line
    assert "\n" not in line and len(line) < 500
    assert capfd.readouterr() == ("", "")  # nothing of the runtime's own


def test_rows_of_features() -> None:
    """Real rows reach the networks as they are; errors are in standard units of the training rows."""
    rows = torch.randn(400, 5, generator=torch.Generator().manual_seed(0)).double() * 40 + 1000
    data = vaekit.load_data(rows.numpy(), pixels="real")
    mean = data.train.images.mean(0)
    found = vaekit.card(encoder=lambda x: x, decoder=lambda x: torch.zeros_like(x) + mean.float(), data=data)
    spread = data.train.images.double().std(0, correction=0)
    expected = (((data.test.images - mean) / spread) ** 2).mean()
    assert found.figures["mse"].value == pytest.approx(float(expected), rel=1e-4)
    assert not {"psnr_db", "ssim"} & found.figures.keys()
