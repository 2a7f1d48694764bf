"""A model with two layers of latents in one file passes every check and every command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from two_layers import TOP, TWO_LAYERS, TwoLayers
from vaekit import inference, load_run
from vaekit.config.methods import METHODS
from vaekit.data.view import fixed_draw
from vaekit.evaluation.latents.health import measure_health
from vaekit.testing import Check, checks_of


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    monkeypatch.setitem(METHODS, "two-layers", TWO_LAYERS)


def all_checks() -> list[Check]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "two-layers", TWO_LAYERS)
        return checks_of("two-layers")


@pytest.mark.parametrize("check", all_checks(), ids=str)
def test_a_hierarchy_passes(check: Check) -> None:
    check()


@pytest.fixture
def binary(terminal) -> TwoLayers:
    """Of a run of digits that are binarised anew for each batch, in the folder "run"."""
    words = [
        "train",
        "two-layers",
        "--data",
        "digits",
        "--binarize",
        "dynamic",
        "--epochs",
        1,
        "--hidden",
        16,
    ]
    assert terminal(*words, "--device", "cpu", "--out", "run").status == 0
    model = load_run("run").model
    assert isinstance(model, TwoLayers)
    assert (model.pixels, model.likelihood_name) == ("binary", "bernoulli")
    return model


def test_grey_digits_that_are_binarised_are_shown_by_the_same_draw_to_all(
    terminal, binary: TwoLayers
) -> None:
    """The file of `encode` against both networks asked by hand; the evaluation encodes the same."""
    images = load_run("run").load_data().test.images
    drawn = fixed_draw(images / 255)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert terminal("encode", "run", "--split", "test", "--out", "codes.npz", "--device", "cpu").status == 0
    with np.load("codes.npz") as arrays, torch.inference_mode():
        mean = torch.from_numpy(arrays["mean"])
        above, _ = binary.top(drawn.flatten(1)).chunk(2, dim=1)
        torch.testing.assert_close(mean[:, :TOP], above, rtol=1e-4, atol=1e-5)
        below, _ = binary.below(torch.cat([drawn.flatten(1), above], dim=1)).chunk(2, dim=1)
        torch.testing.assert_close(mean[:, TOP:], below, rtol=1e-4, atol=1e-5)
    health = measure_health(binary, load_run("run").load_data().test)
    assert health.variance_of_means == mean.var(0, correction=0).tolist()
    rebuilt = inference.reconstruct(binary, load_run("run").load_data().test)
    share = 1 - (rebuilt - drawn).square().double().mean() * 64 / drawn.double().var(0, correction=0).sum()
    assert health.explained == pytest.approx(share.item(), abs=1e-9)


def test_its_onnx_files_take_the_draw_and_are_the_torch_model(terminal, binary: TwoLayers) -> None:
    assert terminal("export", "run", "--format", "onnx", "--out", "onnx").status == 0
    x = fixed_draw(load_run("run").load_data().test.images[:6] / 255)
    run = {
        path.stem: onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for path in Path("onnx").glob("*.onnx")
    }
    mean, std = run["encoder"].run(["mean", "std"], {"image": x.numpy()})
    with torch.inference_mode():
        expected = inference.flat_moments(binary.eval().infer(x))
        picture = binary.picture(binary.decode(expected[0]))
    np.testing.assert_allclose(mean, expected[0].numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(std, expected[1].numpy(), rtol=1e-4, atol=1e-5)
    found = run["decoder"].run(["picture"], {"code": mean})[0]
    np.testing.assert_allclose(found, picture.numpy(), rtol=1e-4, atol=1e-5)
