"""A model with two layers of latents, a vector above a grid: looked at and exported as one with a single layer is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from two_layers import TOP, TwoLayers
from vaekit.explorer.export.onnx_files import write_onnx
from vaekit.explorer.export.web import programs, write_page
from vaekit.explorer.material import Material
from vaekit.explorer.subject import Subject, subject_of
from vaekit.inference import encode
from vaekit.plots.draw import figures
from vaekit.runs.load import Run, load_run


@pytest.fixture(scope="module")
def run(_trained: Path) -> Run:
    """The folder of a VAE, with a model of two layers in its place."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = TwoLayers((1, 8, 8), likelihood="bce").eval()
    return dataclasses.replace(load_run(_trained / "vae"), model=model)


@pytest.fixture(scope="module")
def subject(run: Run) -> Subject:
    return subject_of(run)


def by_hand(model: TwoLayers, x: Tensor) -> tuple[Tensor, Tensor]:
    """Means and standard deviations, the grid below row by row at the mean above."""
    with torch.no_grad():
        mean, log_variance = model.top(x.flatten(1)).chunk(2, dim=1)
        below, spread = model.below(torch.cat([x.flatten(1), mean], dim=1)).chunk(2, dim=1)
        return torch.cat([mean, below], 1), (0.5 * torch.cat([log_variance, spread], 1)).exp()


def test_a_code_is_all_layers_one_after_another(run: Run, subject: Subject) -> None:
    stored = run.previews.images[:7]
    mean, stddev = subject.encode(stored)
    expected = by_hand(run.model, stored / 255)
    torch.testing.assert_close((mean, stddev), expected, rtol=1e-4, atol=1e-5)
    assert subject.can.latent == subject.can.length == TOP + 8 == mean.shape[1]


def test_draws_are_of_the_whole_prior_under_a_seed(run: Run, subject: Subject) -> None:
    assert subject.can.prior == "own"  # the upper layer is N(0, I), the lower one is not
    draws = torch.cat([subject.draw(seed) for seed in range(400)])
    assert torch.equal(draws[:5], torch.cat([subject.draw(seed) for seed in range(5)]))
    assert draws[:, :TOP].mean(0).abs().max() < 0.2 and (draws[:, :TOP].std(0) - 1).abs().max() < 0.15
    with torch.no_grad():
        given = run.model.grid_prior(draws[:, :TOP])
    off = (draws[:, TOP:] - given.mean.flatten(1)) / given.stddev.flatten(1)
    assert off.mean().abs() < 0.1 and (off.std() - 1).abs() < 0.1


def test_onnx_files_of_both_layers(run: Run, subject: Subject, tmp_path: Path) -> None:
    differences = write_onnx(subject, run.previews, tmp_path)
    assert set(differences) == {"encoder.onnx", "decoder.onnx"}
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    encoder = onnxruntime.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"])
    mean, std = encoder.run(["mean", "std"], {"image": x.numpy()})
    expected = by_hand(run.model, x)
    assert np.abs(mean - expected[0].numpy()).max() <= 1e-5
    assert np.abs(std / expected[1].numpy() - 1).max() <= 1e-4  # log-variances are bounded softly
    decoder = onnxruntime.InferenceSession(tmp_path / "decoder.onnx", providers=["CPUExecutionProvider"])
    with torch.no_grad():
        picture = torch.sigmoid(run.model.decoder(expected[0])).view(5, 1, 8, 8)
    assert np.abs(decoder.run(["picture"], {"code": mean})[0] - picture.numpy()).max() <= 1e-5


def test_the_page_gets_its_programs_and_everything_about_it(
    run: Run, subject: Subject, tmp_path: Path
) -> None:
    written, _ = programs(subject)
    assert {"pictures", "codes", "nats"} <= set(written)
    material = Material(run, None)
    write_page(material, tmp_path / "page")
    about = json.loads((tmp_path / "page/data/about.json").read_text(encoding="utf-8"))
    assert (
        about["can"]["latent"] == 10 and about["can"]["prior"] == ""
    )  # the page has no networks of the prior
    nats = {entry["index"]: entry["relevance"] for entry in about["dimensions"]}
    embedding = encode(run.model, run.previews)
    assert embedding.kl is not None
    assert [nats[d] for d in range(10)] == pytest.approx(embedding.kl.tolist())
    codes = np.frombuffer((tmp_path / "page/data/codes-0.bin").read_bytes(), "<f4").reshape(-1, 10)
    assert (codes == embedding.mean.numpy()).all()


def test_its_score_is_the_distortion_and_the_kl_of_both_layers(run: Run, subject: Subject) -> None:
    x = run.previews.images[:3] / 255
    mean, stddev = by_hand(run.model, x)
    with torch.no_grad():
        logits = run.model.decoder(mean).view(3, 1, 8, 8)
        given = run.model.grid_prior(mean[:, :TOP])
    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))
    location = torch.cat([torch.zeros(3, TOP), given.mean.flatten(1)], 1)
    scale = torch.cat([torch.ones(3, TOP), given.stddev.flatten(1)], 1)
    ratio = (stddev / scale).square()
    kl = 0.5 * (ratio + ((mean - location) / scale).square() - 1 - ratio.log()).sum(1)
    torch.testing.assert_close(subject.score(run.previews.images[:3]), bce + kl, rtol=1e-4, atol=1e-3)


def test_figures_take_every_layer(run: Run) -> None:
    walks = ["traversals", "interpolations", "reconstructions", "samples"]
    drawn = figures(run, only=["latent_map", "latent_pca", "manifold", *walks])
    assert set(drawn.left_out) == {"manifold"} and "this run has 10" in drawn.left_out["manifold"]
    texts = [text.get_text() for text in drawn.figures["traversals"].texts]
    assert any("10 latents" in text for text in texts) and any("its mean" in text for text in texts)
    assert not any("circles" in text.get_text() for text in drawn.figures["latent_map"].texts)
