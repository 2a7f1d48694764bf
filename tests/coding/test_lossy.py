"""Pictures as codes: streams and pictures in whole numbers, against the float model, with and without a prior."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit import inference, load_run
from vaekit.coding import exact_codes as module
from vaekit.coding.code_choice import Chooser
from vaekit.coding.code_masses import BITS, CountedCodes
from vaekit.coding.exact_codes import ExactCodes
from vaekit.coding.lossy import LossyCoder, counted, exact_codes
from vaekit.core import DataError, SettingError
from vaekit.data import load_data
from vaekit.evaluation.latents.independent_codes import independent_bits
from vaekit.models import VAE, VQVAE
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.vq import QuantizedReconstruction
from vaekit.runs.load import Run
from vaekit.training.fit import fit
from vaekit.training.priors import prior

QUIET = {"epochs": 2, "batch_size": 32, "progress": "none", "device": "cpu", "precision": "fp32"}


def made(folder: Path, fitted: bool, conditional: bool = False, **options: object) -> Run:
    """A run of a small VQ-VAE of 10 x 9 colour pictures in three classes."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    ramp = np.linspace(0, 120, 9) * (1 + rng.random((240, 3, 10, 1)) * labels.reshape(-1, 1, 1, 1) / 3)
    images = np.clip(ramp + rng.integers(0, 40, (240, 3, 10, 9)), 0, 255).astype(np.uint8)
    np.savez(folder / "given.npz", x=images, y=labels)
    data = load_data(folder / "given.npz", layout="NCHW")
    torch.manual_seed(0)
    codes = {"quantizer": "fsq", "codes": 64} if conditional else {"codes": 32, "code_dim": 4}
    model = VQVAE(data.shape, downsample=4, width=8, depth=1, **codes, **options)
    fit(model, QuantizedReconstruction(), data, out=folder / "run", **QUIET)
    if fitted:
        prior(folder / "run", width=8, depth=1, heads=2, conditional=conditional, **QUIET)
    return load_run(folder / "run", device="cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made(tmp_path_factory.mktemp("fitted"), True)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made(tmp_path_factory.mktemp("conditional"), True, conditional=True)


def levels_of(run: Run) -> np.ndarray:
    return torch.as_tensor(run.load_data().train.images).numpy()


def codes_of(run: Run) -> np.ndarray:
    return inference.encode_codes(run.model, run.load_data().train).flatten(1).numpy()  # type: ignore[arg-type]


def test_pictures_are_those_of_the_float_model(run: Run) -> None:
    codes = codes_of(run)
    found = exact_codes(run).pictures(codes)
    wanted = run.model.decode_codes(torch.from_numpy(codes).view(-1, 3, 3)).numpy() * 255  # type: ignore[operator]
    assert found.shape == (len(codes), 3, 10, 9)
    assert np.abs(found - wanted).max() < 0.8  # a half, and what rounding in between adds


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 130, 150])
def test_streams_give_the_codes_back(run: Run, count: int) -> None:
    coder, codes = exact_codes(run), codes_of(run)[:count]
    content, bits = coder.packed(codes)
    assert (coder.unpack(content, count) == codes).all()
    assert abs(len(content) - bits.sum() / 8) < 26
    assert coder.decode(content, count).shape == (count, 3, 10, 9)


def test_bits_are_those_of_the_float_prior(run: Run) -> None:
    codes = codes_of(run)[:50]
    fitted = run.model.fitted_prior()  # type: ignore[operator]
    with torch.no_grad():
        wanted = fitted.marginal_nats(torch.from_numpy(codes).view(-1, 1, 3, 3).float()).numpy() / np.log(2)
    np.testing.assert_allclose(exact_codes(run).bits(codes), wanted, atol=0.05)


def test_how_many_go_through_the_prior_at_once_does_not_matter(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    coder, codes = exact_codes(run), codes_of(run)[:20]
    content = coder.pack(codes)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 1)
    assert coder.pack(codes) == content


def test_a_conditional_prior_sends_the_best_class_or_the_one_given(conditional: Run) -> None:
    coder, codes = exact_codes(conditional), codes_of(conditional)[:40]
    every = np.array([coder.bits(codes, np.full(40, k)) for k in range(3)])
    content, bits = coder.packed(codes)
    np.testing.assert_allclose(bits, every.min(0))
    given = np.arange(40) % 3
    other, longer = coder.packed(codes, given)
    np.testing.assert_allclose(longer, every[given, np.arange(40)])
    assert (coder.unpack(content, 40) == codes).all() and (coder.unpack(other, 40) == codes).all()


def test_without_a_prior_codes_are_counted(tmp_path: Path) -> None:
    run = made(tmp_path, False)
    coder, data = LossyCoder(run), run.load_data()
    codes, train = (inference.encode_codes(run.model, split).flatten(1) for split in (data.test, data.train))  # type: ignore[arg-type]
    np.testing.assert_allclose(
        coder.bits(codes.numpy()), independent_bits(codes, train, 32).numpy(), atol=0.02
    )
    assert not coder.remade
    levels = levels_of(run)[:9]
    got = coder.code(levels)
    assert (coder.restore(got.content, 9) == coder.pictures(codes_of(run)[:9])).all()


def test_counts_of_equal_codes_are_equal() -> None:
    masses = counted(torch.arange(8).view(2, 2, 2), 8).table
    assert masses.shape == (4, 8) and (masses.sum(1) == 2**BITS).all()
    assert (masses.min(1) >= 2**BITS // 8 - 8).all()


def test_another_process_without_torch_restores_the_same(run: Run, tmp_path: Path) -> None:
    coder, codes = exact_codes(run), codes_of(run)[:30]
    described, arrays = coder.to_arrays()
    np.savez(tmp_path / "arrays.npz", **arrays)
    (tmp_path / "stream").write_bytes(coder.pack(codes))
    program = f"""
import hashlib, sys
sys.modules["torch"] = None
import numpy as np
from vaekit.coding.exact_codes import ExactCodes
coder = ExactCodes.from_arrays({described!r}, dict(np.load("arrays.npz")))
print(hashlib.sha256(coder.decode(open("stream", "rb").read(), 30).tobytes()).hexdigest(), coder.hash(), coder.known().hex())
"""
    here = hash_of(coder.pictures(codes)), coder.hash(), coder.known().hex()
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == list(here)


def hash_of(pictures: np.ndarray) -> str:
    return hashlib.sha256(pictures.tobytes()).hexdigest()


def test_damaged_streams_are_told_or_give_other_codes(run: Run) -> None:
    coder, codes = exact_codes(run), codes_of(run)[:24]
    content, rng = coder.pack(codes), np.random.default_rng(0)
    told = 0
    for number in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << number % 8
        if number % 3 == 0:
            damaged = damaged[: rng.integers(len(content))]
        try:
            assert coder.unpack(bytes(damaged), 24).shape == codes.shape
        except DataError:
            told += 1
    assert told > 50
    with pytest.raises(DataError, match="damaged"):
        coder.unpack(content, 23)


def test_damaged_models_are_told(run: Run) -> None:
    described, arrays = exact_codes(run).to_arrays()
    for change in (
        {"masses.place": arrays["masses.place"][1:]},
        {"masses.logits": arrays["masses.logits"].astype(np.int64) * 2**40},
        {"masses.classes": np.array([5])},
        {"vectors": arrays["vectors"][:-1]},
        {"other": arrays["vectors"]},
    ):
        with pytest.raises(DataError, match=r"^FILE: "):
            ExactCodes.from_arrays(described, arrays | change, "FILE")
    for wrong in (
        {"grid": [2, 2]},
        {"mean": "median"},
        {"shape": [3, 9, 9]},
        {"masses": {}},
        {"decoder": None},
    ):
        with pytest.raises(DataError, match=r"^FILE: "):
            ExactCodes.from_arrays(described | wrong, arrays, "FILE")


def test_choosing_codes_lowers_error_and_bits_together(run: Run) -> None:
    levels = levels_of(run)[:40]
    own, chosen = (LossyCoder(run, trade) for trade in (0.0, 1.0))
    results = []
    for coder in (own, chosen):
        got = coder.code(levels)
        error = ((coder.restore(got.content, 40) / 255 - levels / 255) ** 2).sum()
        results.append((error, got.bits.sum()))
    (error, bits), (after, fewer) = results
    worth = chosen.worth(torch.from_numpy(levels) / 255, codes_of(run)[:40], np.zeros(40, np.int64))
    assert after + worth * fewer < 0.99 * (error + worth * bits)


def test_with_codes_that_cost_alike_the_nearest_pictures_are_chosen(run: Run) -> None:
    """Of one place and all codes tried, that of the least error, found by trying all."""
    coder, levels = exact_codes(run), torch.from_numpy(levels_of(run)[:6]) / 255
    alike = CountedCodes(np.full((9, 32), 2**BITS // 32))
    codes = codes_of(run)[:6]
    chooser = Chooser(run.model, coder.vectors / 4096, alike, 1e-9)  # type: ignore[arg-type]
    every = np.repeat(np.arange(32)[None], 6, 0)
    errors = chooser.errors(levels, codes, 4, every)
    for k in (0, 9, 31):
        codes[:, 4] = k
        pictures = run.model.decode_codes(torch.from_numpy(codes).view(-1, 3, 3))  # type: ignore[operator]
        np.testing.assert_allclose(errors[:, k], (pictures - levels).square().flatten(1).sum(1), rtol=1e-4)


def test_other_models_are_refused(tmp_path: Path) -> None:
    run = made(tmp_path, False, likelihood="logistic-mixture")
    with pytest.raises(SettingError, match="likelihood='logistic-mixture'"):
        exact_codes(run)
    torch.manual_seed(0)
    data = run.load_data()
    fit(VAE(data.shape, latent_dim=2, network="mlp", width=8), ELBO(), data, out=tmp_path / "vae", **QUIET)
    with pytest.raises(SettingError, match=r"needs the codes of a vqvae; .*vae is a"):
        exact_codes(load_run(tmp_path / "vae"))
