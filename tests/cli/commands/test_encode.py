"""`vaekit encode`."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vaekit.data import load_data
from vaekit.runs.load import load_run


def test_codes_are_the_posterior_of_each_image(terminal, vae_run: Path) -> None:
    assert terminal("encode", vae_run, "--split", "test", "--out", "codes.npz").status == 0
    test = load_data("digits").test
    with torch.inference_mode():
        posterior = load_run(vae_run).model.encode(test.images)
    with np.load("codes.npz") as codes:
        assert set(codes.files) == {"mean", "std", "labels"}
        np.testing.assert_allclose(codes["mean"], posterior.mean.numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(codes["std"], posterior.stddev.numpy(), rtol=1e-4)
        np.testing.assert_array_equal(codes["labels"], test.labels.numpy())


def test_all_images_are_encoded_unless_a_split_is_named(terminal, vae_run: Path) -> None:
    terminal("encode", vae_run)
    with np.load(vae_run / "codes.npz") as codes:
        # scikit-learn's description of the set: 1797 images, these many of each digit
        assert np.bincount(codes["labels"]).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_a_split_has_its_own_images(terminal, vae_run: Path) -> None:
    run, data = load_run(vae_run), load_data("digits")
    for name, split in data.splits.items():
        terminal("encode", vae_run, "--split", name, "--out", f"{name}.npz")
        with np.load(f"{name}.npz") as codes, torch.inference_mode():
            expected = run.model.encode(split.images).mean.numpy()
            np.testing.assert_allclose(codes["mean"], expected, rtol=1e-4, atol=1e-5)


def test_csv_holds_the_same_numbers(terminal, vae_run: Path) -> None:
    for name in ("codes.npz", "codes.csv"):
        terminal("encode", vae_run, "--split", "validation", "--out", name)
    with np.load("codes.npz") as codes, open("codes.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["label", "z0", "z1", "z2", "z0_std", "z1_std", "z2_std"]
        for key, ending in (("mean", ""), ("std", "_std")):
            written = np.array([[float(row[f"z{d}{ending}"]) for d in range(3)] for row in rows], np.float32)
            np.testing.assert_array_equal(written, codes[key])
        assert [int(row["label"]) for row in rows] == codes["labels"].tolist()


def test_names_come_in_the_order_of_the_folder(terminal, vae_run: Path) -> None:
    """img2 before img10, whatever the splits; and each name has the code of its own image."""
    folder = Path("photos")
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"img{number}.png")
    assert terminal("encode", vae_run, "--data", folder, "--out", "codes.npz").status == 0
    with torch.inference_mode():
        mean = load_run(vae_run).model.encode(torch.from_numpy(images[:, None])).mean
    with np.load("codes.npz") as codes:
        assert codes["names"].tolist() == [f"img{number}.png" for number in range(60)]
        np.testing.assert_allclose(codes["mean"], mean.numpy(), rtol=1e-4, atol=1e-5)


def test_codes_of_an_autoencoder_have_no_spread(terminal, ae_run: Path) -> None:
    terminal("encode", ae_run, "--out", "codes.npz")
    with np.load("codes.npz") as codes:
        assert (codes["std"] == 0).all() and np.ptp(codes["mean"], axis=0).min() > 0
