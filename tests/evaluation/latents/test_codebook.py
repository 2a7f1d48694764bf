"""What codes cost, against sums done by hand."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit.data import Split
from vaekit.evaluation.latents.codebook import measure_codes
from vaekit.evaluation.latents.independent_codes import independent_bits
from vaekit.evaluation.table import rows
from vaekit.models import VQVAE
from vaekit.models.code_prior import CodePrior


def model() -> VQVAE:
    torch.manual_seed(0)
    return VQVAE((1, 4, 4), downsample=2, codes=4, code_dim=2, width=8, depth=1, likelihood="gaussian")


def test_independent_codes_are_those_of_the_training_images() -> None:
    """Counted on one split and coded on the other, with the error of the mean; without training images absent."""
    made = model()
    images, train = ((255 * torch.rand(count, 1, 4, 4)).to(torch.uint8) for count in (40, 300))
    made.prepare(train)
    report = measure_codes(made, Split(images), Split(train))
    codes, known = (made.encode_codes(part / 255).flatten(1) for part in (images, train))
    bits = independent_bits(codes, known, 4)
    said = report.as_dict()
    assert said["independent_bits"] == pytest.approx(bits.mean().item())
    assert said["independent_bits_se"] == pytest.approx(bits.std().item() / math.sqrt(40))
    assert "independent_bits" not in measure_codes(made, Split(images)).as_dict()
    assert "independent_bits" not in measure_codes(made, Split(images), Split(train[:0])).as_dict()


def test_the_row_of_independent_codes_has_its_error() -> None:
    said = {"codes": {"independent_bits": 92.5, "independent_bits_se": 0.25}}
    (row,) = rows(said)
    assert (row.text, row.unit) == ("92.50 ± 0.25", "bits per image")
    assert "training images" in row.meaning


def test_everything_is_of_all_images_together() -> None:
    made, images = model(), (255 * torch.rand(1203, 1, 4, 4)).to(torch.uint8)  # more than a batch
    report = measure_codes(made, Split(images))
    x = images / 255
    rebuilt, codes = made.reconstruct(x), made.encode_codes(x)
    assert report.mse == pytest.approx((rebuilt - x).square().mean().item(), rel=1e-5)
    assert report.as_dict()["psnr_db"] == pytest.approx(-10 * math.log10(report.mse))
    assert report.usage.used == len(codes.unique())
    assert report.fixed_bits == 4 * 2
    raw = made.decoder(made.quantizer.vectors(codes))
    errors = (raw - x).square().flatten(1).sum(1)
    expected = errors / (2 * 0.1**2) + 16 * math.log(0.1 * math.sqrt(2 * math.pi))
    assert report.reconstruction_nats == pytest.approx(expected.mean().item(), rel=1e-4)
    assert report.code_bits is None
    assert "vaekit prior" in str(report.remarks()[-1])


def test_bits_are_those_of_the_prior() -> None:
    made, images = model(), (255 * torch.rand(60, 1, 4, 4)).to(torch.uint8)
    made.prepare(images)  # codes that differ
    prior = CodePrior((1, 2, 2), width=8, depth=1, heads=2, codes=4).eval()
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    made.fitted = lambda: prior
    report = measure_codes(made, Split(images))
    codes = made.encode_codes(images)[:, None].float()
    nats = -prior(codes).likelihood.log_prob(codes)
    assert report.code_bits is not None
    assert report.code_bits[0] == pytest.approx(nats.mean().item() / math.log(2), rel=1e-5)
    error = nats.std().item() / math.log(2) / math.sqrt(60)
    assert report.code_bits[1] == pytest.approx(error, rel=1e-4)
