"""What a user hands to a model, and what comes back: near misses are one line, results need no detaching."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

from vaekit import AE, ELBO, VAE, VQVAE, DataError
from vaekit.models import Model

LEVELS = torch.randint(0, 256, (6, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
UNIT = LEVELS / 255
SIZES: dict[str, Any] = {"latent_dim": 3, "network": "mlp", "width": 8}


def trained(kind: Any = VAE, shape: tuple[int, ...] = (1, 8, 8), **options: Any) -> Any:
    torch.manual_seed(0)
    return kind(shape, **SIZES, **options).eval()


@pytest.mark.parametrize(
    "x", [UNIT, LEVELS, UNIT.numpy(), LEVELS.numpy(), UNIT.double(), UNIT.double().numpy(), UNIT.half()]
)
@pytest.mark.parametrize("kind", [VAE, AE])
def test_all_forms_of_the_same_images_have_the_same_codes(kind: Any, x: Any) -> None:
    model = trained(kind)
    tolerance = 1e-2 if getattr(x, "dtype", None) == torch.float16 else 1e-5
    np.testing.assert_allclose(model.encode(x).mean.numpy(), model.encode(UNIT).mean.numpy(), atol=tolerance)
    np.testing.assert_allclose(model.embed(x), model.encode(UNIT).mean.numpy(), atol=tolerance)


@pytest.mark.parametrize(("x", "words"), [
    (LEVELS.float(), "divide by 255"), (LEVELS.double().numpy(), "divide by 255"), (LEVELS.long(), "images of int64"),
    (UNIT - 1, "values from -1"), (UNIT * 1000, "given to a model of values from 0 to 1."),
    (UNIT.masked_fill(UNIT > 0.9, torch.nan), "NaN or infinite"),
    (torch.cat([UNIT, UNIT / 0]), "in image 6"), (UNIT[:, :, :4], "images of shape 1x4x8"), (UNIT[0, 0, :4], "images of shape 8"),
    ("text", "a str given to a model"), (None, "a NoneType given"), (np.array(["a"]), "a ndarray given"),
    (UNIT.to(torch.complex64), "images of complex64"),
])  # fmt: skip
def test_other_values_are_refused(x: Any, words: str) -> None:
    model = trained()
    for call in (model.encode, model.reconstruct, model.embed):
        with pytest.raises(DataError) as caught:
            call(x)
        assert words in str(caught.value) and "\n" not in str(caught.value)


def test_real_rows_are_finite() -> None:
    model = trained(shape=(5,), pixels="real")
    rows = torch.randn(4, 5)
    assert model.embed(rows.numpy() * 1000).shape == (4, 3)
    assert model.encode(torch.arange(20).reshape(4, 5)).mean.isfinite().all()
    rows[2, 1] = torch.nan
    with pytest.raises(DataError, match="in image 2"):
        model.encode(rows)


@pytest.mark.parametrize("z", [
    torch.zeros(2, 3), np.zeros((2, 3)), np.zeros((2, 3), np.float32), torch.zeros(2, 3, dtype=torch.float64),
    torch.zeros(2, 3, dtype=torch.int64),
])  # fmt: skip
def test_latents_in_all_forms(z: Any) -> None:
    model = trained()
    torch.testing.assert_close(model.decode(z).mean, model.decode(torch.zeros(2, 3)).mean)
    assert model.decode(torch.zeros(4, 2, 3)).mean.shape == (4, 2, 1, 8, 8)


@pytest.mark.parametrize(("z", "words"), [
    (torch.zeros(2, 5), "latents of shape 2x5 given to a model of 3: give (B, 3)"), (torch.zeros(3), "latents of shape 3 given"),
    (torch.tensor(1.0), "latents of shape a single number"), ([[0.0]], "latents of shape 1x1"), ("z", "a str given"),
])  # fmt: skip
def test_other_latents_are_refused(z: Any, words: str) -> None:
    with pytest.raises(DataError) as caught:
        trained().decode(z)
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", [VAE, AE])
def test_results_are_ordinary_numbers(kind: Any) -> None:
    model = trained(kind)
    found = [model.encode(UNIT).mean, model.decode(torch.zeros(2, 3)).mean, model.reconstruct(UNIT)]
    found += [model.sample(2)] if kind is VAE else []
    classifier = torch.nn.Linear(64, 2)
    for values in found:
        assert isinstance(values.numpy(), np.ndarray)
        assert not values.is_inference()
    for pictures in found[2:]:
        classifier(pictures.flatten(1)).sum().backward()  # as whoever augments a set with them does
    assert classifier.weight.grad is not None


def test_gradients_are_kept_where_they_are_wanted() -> None:
    model = trained()
    x = UNIT.clone().requires_grad_()
    model.encode(x).mean.sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    z = torch.zeros(2, 3, requires_grad=True)
    model.decode(z).mean.sum().backward()
    assert z.grad is not None and z.grad.abs().sum() > 0
    ELBO()(model, UNIT, None, {"beta": 1.0}).total.backward()  # a loop of one's own on a loaded run
    assert all(p.grad is not None for p in model.parameters())
    model.train()
    assert model.encode(UNIT).mean.requires_grad


def test_codes_and_their_pictures_are_ordinary_numbers() -> None:
    torch.manual_seed(0)
    model: Model = VQVAE((1, 8, 8), width=8).eval()
    codes = model.encode_codes(UNIT)  # type: ignore[operator]
    assert not codes.is_inference() and not model.decode_codes(codes).is_inference()  # type: ignore[operator]


@pytest.mark.parametrize(("factor", "said"), [(1, False), (5, False), (1000, True), (1e6, True)])
def test_rows_in_another_unit_are_said(factor: float, said: bool) -> None:
    model, rows = trained(shape=(5,), pixels="real"), torch.randn(40, 5) * 3 + 1
    model.prepare(rows)
    for call in (model.encode, model.reconstruct, model.embed):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call(rows * factor)
        assert any("in the units of the training data" in str(one.message) for one in caught) == said
    strange = rows.clone()
    strange[3] *= 1e6  # one odd row is what `score` is for
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.encode(strange)
