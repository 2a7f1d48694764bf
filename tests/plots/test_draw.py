from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.core import SettingError, VaekitWarning
from vaekit.plots import draw
from vaekit.plots.draw import FIGURES, draw_figures

CURVES = {"training", "rate_distortion", "kl_by_dimension"}
DRAWN = {"samples", "samples_by_temperature", "nearest_training"}  # of codes from the prior
GRIDS = {"reconstructions", "traversals", "interpolations"} | DRAWN
NO_FACTORS = "the factors that the images were made from are not known"
NO_CLASSES = "this model is not told the classes (a cvae is)"
ALWAYS = {  # left out of every run here that is not told its classes
    "latent_tsne": "takes a while; ask for it with tsne=True",
    "class_grid": NO_CLASSES,
    "class_styles": NO_CLASSES,
    "information": NO_FACTORS,
    "responses": NO_FACTORS,
    "code_usage": "this model has no codebook",
    "code_maps": "this model has no codebook",
}


def test_colour_images_of_odd_size_with_two_latents(make_run):
    drawn, left_out = draw_figures(make_run((3, 37, 53), latent_dim=2))
    assert set(drawn) == CURVES | GRIDS | {"latent_map", "manifold"}
    assert left_out == {**ALWAYS, "latent_pca": "two latents are mapped as they are (latent_map)"}
    for path in drawn.values():
        with Image.open(path) as image:
            assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
            assert np.asarray(image.convert("RGB"))[0, 0].tolist() == [255, 255, 255]
    folder = next(iter(drawn.values())).parent
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{name}.png" for name in drawn)


def test_a_hundred_latents(make_run):
    drawn, left_out = draw_figures(make_run((1, 8, 8), latent_dim=100))
    assert set(drawn) == CURVES | GRIDS | {"latent_map", "latent_pca"}
    assert left_out == {
        **ALWAYS, "manifold": "needs two latents, this run has 100; the traversals show them"
    }  # fmt: skip


def test_an_autoencoder(make_run):
    drawn, left_out = draw_figures(make_run((1, 8, 8), kind="ae"))
    assert set(drawn) == GRIDS - DRAWN | {"latent_map", "latent_pca", "training"}
    assert set(left_out) == set(ALWAYS) | DRAWN | {"manifold", "rate_distortion", "kl_by_dimension"}
    assert all("no prior" in left_out[name] for name in DRAWN | {"manifold"})
    assert left_out["rate_distortion"] == "this method has no KL, so no rate"
    assert all("\n" not in reason for reason in left_out.values())


def test_features(make_run):
    drawn, left_out = draw_figures(make_run((7,)))
    assert set(drawn) == CURVES | {"latent_map", "latent_pca"}
    unseen = GRIDS | {"manifold", "class_grid", "class_styles"}
    assert left_out == {**ALWAYS, **dict.fromkeys(unseen, "the data are 7 features, not images")}


def test_one_latent(make_run):
    drawn, left_out = draw_figures(
        make_run((1, 8, 8), kind="ae", latent_dim=1), only=["latent_map", "latent_pca", "traversals"]
    )
    assert set(drawn) == {"traversals"}
    assert set(left_out) == {"latent_map", "latent_pca"}
    assert "this model has one" in left_out["latent_map"]


def test_without_its_data_a_run_shows_its_previews(make_run, tmp_path):
    run = make_run((1, 8, 8))
    (tmp_path / "given.npz").unlink()
    with pytest.warns(VaekitWarning, match="test images kept with the run"):
        drawn, _ = draw_figures(run, only=["latent_map", "reconstructions"])
    assert set(drawn) == {"latent_map", "reconstructions"}


def test_only_some_and_near_misses(make_run, tmp_path):
    run = make_run((1, 8, 8))
    drawn, left_out = draw_figures(run, out=tmp_path / "here", only=["training"])
    assert drawn == {"training": tmp_path / "here" / "training.png"}
    assert left_out == {}
    with pytest.raises(SettingError, match="Did you mean samples"):
        draw_figures(run, only=["sample"])


def test_tsne_on_request(make_run):
    drawn, _ = draw_figures(make_run((1, 8, 8)), only=["latent_tsne"], tsne=True)
    assert set(drawn) == {"latent_tsne"}


def test_figures_are_the_same_twice_and_leave_the_random_numbers_alone(make_run):
    run = make_run((1, 8, 8), latent_dim=2)
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist()
    names = ["samples", "latent_map", "manifold", "interpolations"]
    first = {name: path.read_bytes() for name, path in draw_figures(run, only=names)[0].items()}
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    torch.manual_seed(99)
    again = {name: path.read_bytes() for name, path in draw_figures(run, only=names)[0].items()}
    assert first == again


def test_samples_are_the_models_own(make_run):
    run = make_run((1, 8, 8), latent_dim=2)
    run.model.train()
    view = draw.View(run, None, draw.Wishes())
    figure = FIGURES["samples"].draw(view)
    z = torch.randn(80, 2, generator=torch.Generator().manual_seed(0))
    run.model.eval()
    with torch.no_grad():
        expected = torch.sigmoid(run.model.decoder(z, None)).reshape(80, 8, 8)
    scale = draw.grids.fit((8, 8), 10, 8).scale
    shown = np.asarray(figure.axes[0].images[0].get_array())[: 8 * scale : scale, : 8 * scale : scale, 0]
    assert np.abs(shown - np.rint(expected[0].numpy() * 255)).max() <= 1


def test_binarised_anew_means_one_fixed_draw(make_run):
    run = make_run((1, 8, 8))
    run.config["data"]["dynamic"] = True
    first, second = (draw.View(run, None, draw.Wishes()).images for _ in range(2))
    assert torch.equal(first, second)
    assert set(first.unique().tolist()) == {0.0, 1.0}
    grey = run.previews.images.float() / 255
    assert abs(first.mean() - grey.mean()) < 3 * (grey * (1 - grey)).sum().sqrt() / grey.numel()


def test_figures_need_no_pyplot_and_show_in_notebooks():
    code = (
        "import sys, torch; from vaekit.plots import samples; f = samples(torch.zeros(4, 1, 8, 8));"
        "png, size = f._repr_png_(); assert png[:4] == b'\\x89PNG' and size['width'] > 100;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_dark_theme_of_the_user_changes_nothing(make_run):
    from matplotlib import style as themes

    run = make_run((1, 8, 8))
    names = ["samples", "latent_map", "training", "rate_distortion", "kl_by_dimension"]
    plain = {name: path.read_bytes() for name, path in draw_figures(run, only=names)[0].items()}
    with themes.context("dark_background"):
        dark = {name: path.read_bytes() for name, path in draw_figures(run, only=names)[0].items()}
    assert [name for name in names if plain[name] != dark[name]] == []
