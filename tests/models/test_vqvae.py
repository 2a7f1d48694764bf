"""The VQ-VAE as a whole: geometry, its loss, its start, and that a killed run ends at the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from toy import SMALL, toy_data
from vaekit import QuantizedReconstruction, SettingError
from vaekit.models import VQVAE
from vaekit.runs.files import read_tensors
from vaekit.training.fit import fit
from vaekit.training.resume import resume


def small(shape: tuple[int, ...] = (1, 8, 8), **options) -> VQVAE:
    torch.manual_seed(0)
    return VQVAE(shape, **{"downsample": 4, "codes": 8, "code_dim": 3, "width": 8, "depth": 1} | options)


@pytest.mark.parametrize(
    ("shape", "downsample", "grid"),
    [((1, 28, 28), 4, (7, 7)), ((3, 9, 14), 4, (3, 4)), ((4, 5, 8), 1, (5, 8)), ((1, 17, 33), 16, (2, 3))],
)
def test_any_size(shape: tuple[int, ...], downsample: int, grid: tuple[int, int]) -> None:
    model, x = small(shape, downsample=downsample), torch.rand(3, *shape)
    assert model.encode_codes(x).shape == (3, *grid)
    rebuilt = model.reconstruct(x)
    assert rebuilt.shape == x.shape
    assert torch.equal(rebuilt, model.decode_codes(model.encode_codes(x)))
    one = model.reconstruct(x[1:2])  # an image does not depend on its neighbours in the batch
    torch.testing.assert_close(one, rebuilt[1:2])


@pytest.mark.parametrize("quantizer", ["ema", "gradient"])
def test_the_loss_weighs_the_commitment_and_not_the_codebook(quantizer: str) -> None:
    """-log p(x|z) + codebook + beta commitment; with moving averages the codebook has no term."""
    model, x = small(quantizer=quantizer, likelihood="gaussian").eval(), torch.rand(5, 1, 8, 8)
    z = model.encoder(x)
    chosen = model.quantizer.vectors(model.encode_codes(x).clone())
    distance = (z - chosen).square().flatten(1).sum(1)
    lost = -model.decode_vectors(chosen).log_prob(x)
    weight = 0.25 + (quantizer == "gradient")
    loss = QuantizedReconstruction(0.25)(model, x, None, {})
    torch.testing.assert_close(loss.total, (lost + weight * distance).mean())
    torch.testing.assert_close(loss.terms["mse"], (model.reconstruct(x) - x).square().mean((1, 2, 3)))


def test_figures_are_of_all_images_together() -> None:
    counts = torch.tensor([6.0, 6.0, 0.0, 0.0])
    found = QuantizedReconstruction().figures({"mse": 0.01}, {"code": counts})
    assert found == pytest.approx({"code_usage": 0.5, "code_perplexity": 2.0, "psnr_db": 20.0})


def test_it_begins_where_the_data_are() -> None:
    """The codes lie at the encoder's output, the decoder at the mean colour; a trained model stays as it is."""
    model, images = small(codes=4), torch.rand(500, 1, 8, 8)
    before = (
        (model.encoder(images).movedim(1, -1).flatten(0, -2)[:, None] - model.quantizer.vectors_of_codes)
        .square()
        .sum(-1)
    )
    model.prepare(images)
    after = (
        (model.encoder(images).movedim(1, -1).flatten(0, -2)[:, None] - model.quantizer.vectors_of_codes)
        .square()
        .sum(-1)
    )
    assert after.min(1).values.mean() < 0.5 * before.min(1).values.mean()
    assert len(after.argmin(1).unique()) == 4
    assert model.decoder.last.bias.mean().item() == pytest.approx(images.mean().item(), abs=1e-3)
    trained = small(codes=4)
    trained.load_state_dict(model.state_dict())
    trained.prepare(torch.rand(500, 1, 8, 8))
    assert torch.equal(trained.quantizer.vectors_of_codes, model.quantizer.vectors_of_codes)


def test_it_refuses_what_it_cannot_do() -> None:
    with pytest.raises(SettingError, match="vaekit prior"):
        small().sample(3)
    with pytest.raises(SettingError, match="needs images"):
        small((7,))
    with pytest.raises(SettingError, match="downsample 9 exceeds"):
        small(downsample=9)


def weights(folder: Path) -> dict[str, bytes]:
    return {k: v.numpy().tobytes() for k, v in read_tensors(folder / "model.safetensors")[0].items()}


@pytest.mark.parametrize("quantizer", ["ema", "gradient"])
def test_a_stopped_run_ends_at_the_same_bits(quantizer: str, tmp_path: Path) -> None:
    options = {"epochs": 2, "batch_size": 16, "checkpoint_seconds": 0.0, **SMALL}

    def train(folder: Path, **more):
        model = small((1, 4, 4), downsample=2, quantizer=quantizer)
        return fit(model, QuantizedReconstruction(), toy_data(), out=folder, method="vqvae", **options | more)

    train(tmp_path / "alone")
    asked = iter([None, None, None, "SIGINT"])
    assert train(tmp_path / "stopped", should_stop=lambda: next(asked)).interrupted == "SIGINT"
    resume(tmp_path / "stopped", data=toy_data(), progress="none")
    assert weights(tmp_path / "stopped") == weights(tmp_path / "alone")
    lines = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("alone", "stopped")]
    assert lines[0] == lines[1]
