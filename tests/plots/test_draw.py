from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from pictures import colour, dots, place, places, where
from vaekit.core import SettingError, VaekitWarning
from vaekit.data.view import show
from vaekit.plots import grids
from vaekit.plots.draw import draw_figures, figures
from vaekit.plots.figures import FIGURES
from vaekit.plots.run_view import View, Wishes

CURVES = {"training", "rate_distortion", "kl_by_dimension"}
DRAWN = {"samples", "samples_by_temperature", "nearest_training"}  # of codes from the prior
GRIDS = {"reconstructions", "traversals", "interpolations"} | DRAWN
NO_FACTORS = "the factors that the images were made from are not known"
NO_CLASSES = "this model is not conditioned on classes (a cvae is)"
ALWAYS = {  # left out of every run here that is not told its classes
    "latent_tsne": "takes a while; ask for it with tsne=True",
    "class_grid": NO_CLASSES,
    "class_styles": NO_CLASSES,
    "information": NO_FACTORS,
    "responses": NO_FACTORS,
    "code_usage": "this model has no codebook",
    "code_maps": "this model has no codebook",
    "bytes_and_error": "files of this model lose nothing, or there are none",
}


def test_colour_images_of_odd_size_with_two_latents(make_run):
    drawn, left_out = draw_figures(make_run((3, 37, 53), latent_dim=2))
    assert set(drawn) == CURVES | GRIDS | {"latent_map", "manifold"}
    assert left_out == {**ALWAYS, "latent_pca": "two latents are mapped as they are (latent_map)"}
    for path in drawn.values():
        with Image.open(path) as image:
            assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
            assert np.asarray(image.convert("RGB"))[0, 0].tolist() == [255, 255, 255]
        assert colour(path) > 0.0005, path.name
    folder = next(iter(drawn.values())).parent
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        f"{name}.{ending}" for name in drawn for ending in ("png", "svg")
    )


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
    run = make_run((1, 8, 8), latent_dim=2, likelihood="bce")
    run.model.train()
    view = View(run, None, Wishes())
    figure = FIGURES["samples"].draw(view)
    z = torch.randn(80, 2, generator=torch.Generator().manual_seed(0))
    run.model.eval()
    with torch.no_grad():
        expected = torch.sigmoid(run.model.decoder(z, None)).reshape(80, 8, 8)
    scale = grids.fit((8, 8), 10, 8).scale
    shown = np.asarray(figure.axes[0].images[0].get_array())[: 8 * scale : scale, : 8 * scale : scale, 0]
    assert np.abs(shown - np.rint(expected[0].numpy() * 255)).max() <= 1


def test_binarised_anew_means_the_one_draw_of_each_image(make_run):
    run = make_run((1, 8, 8), binarize="dynamic")
    view = View(run, None, Wishes())
    assert torch.equal(view.images, show(run.previews.images, "binary"))
    with torch.inference_mode():
        assert torch.equal(view.embedding.mean, run.model.encode(view.images).mean)
    grey = run.previews.images.float() / 255
    assert abs(view.images.mean() - grey.mean()) < 3 * (grey * (1 - grey)).sum().sqrt() / grey.numel()


def test_figures_in_memory_write_nothing(make_run):
    run = make_run((1, 8, 8), latent_dim=2)
    drawn = figures(run.path, only=["samples", "class_grid"], device="cpu")
    assert set(drawn.figures) == {"samples"} and drawn.files == {}
    assert set(drawn.left_out) == {"class_grid"}
    assert not (run.path / "figures").exists()


def test_captions_say_what_is_drawn(make_run):
    """Circles and quantiles are of N(0, I): where the prior is another, nothing is said of them."""
    run = make_run((1, 8, 8), latent_dim=2)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        other = torch.distributions.Normal(torch.ones(2), 2 * torch.ones(2))
        patch.setattr(run.model, "prior", lambda: other)
        assert "N(0, I)" in FIGURES["manifold"].draw(View(run, None, Wishes()))
        drawn = FIGURES["latent_map"].draw(View(run, None, Wishes()))
        assert not any("prior" in text.get_text() for text in drawn.texts)
        walked = FIGURES["traversals"].draw(View(run, None, Wishes()))
        assert any("standard deviations from its mean" in text.get_text() for text in walked.texts)
    drawn = FIGURES["latent_map"].draw(View(run, None, Wishes()))
    assert any("99 % of the prior" in text.get_text() for text in drawn.texts)


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


def rebuilt_by_hand(run, images: torch.Tensor) -> torch.Tensor:
    """Pictures of the posterior means of a model with bce, by the networks themselves."""
    x = images / 255
    with torch.no_grad():
        mean, _ = run.model.encoder(x, None).chunk(2, dim=1)
        return torch.sigmoid(run.model.decoder(mean, None)).reshape(x.shape)


def test_reconstructions_stand_below_their_originals_from_the_best_to_the_worst(make_run):
    run = make_run((1, 8, 8), likelihood="bce")
    drawn, _ = draw_figures(run, only=["reconstructions"])
    sheet, scale = dots(drawn["reconstructions"]), grids.fit((8, 8), 10, 6).scale
    images = run.load_data().test.images
    rebuilt = rebuilt_by_hand(run, images)
    errors = (images / 255 - rebuilt).square().flatten(1).mean(1)
    order, pitch, tops = errors.argsort().tolist(), 8 * scale + grids.GAP, []
    for index in order[:10] + order[-10:]:
        originals = places(sheet, images[index] / 255, scale)
        assert len(originals) in (1, 2), "a set this small may have an image in two bands"
        copies = places(sheet, rebuilt[index], scale)
        assert {(top + pitch, left) for top, left in originals} <= set(copies)
        tops.append([top for top, _ in originals])
    assert max(min(found) for found in tops[:10]) < min(max(found) for found in tops[10:])
    lefts = [min(places(sheet, images[i] / 255, scale))[1] for i in order[:10]]
    assert lefts == sorted(lefts), "the best first"


def vivid(run):
    """The same run with a decoder of strong contrasts, so that no two of its pictures are alike."""
    with torch.no_grad():
        for parameter in run.model.decoder.parameters():
            parameter.mul_(3)
    return run


def test_samples_stand_in_their_order(make_run):
    run = vivid(make_run((1, 8, 8), latent_dim=2))
    sheet = dots(draw_figures(run, only=["samples"])[0]["samples"])
    scale = grids.fit((8, 8), 10, 8).scale
    images = run.model.sample(80, generator=torch.Generator().manual_seed(0))
    found = [place(sheet, image, scale) for image in images]
    assert found == sorted(found)
    assert len({left for _, left in found}) == 10


def test_each_sample_stands_above_the_training_image_nearest_to_it(make_run):
    run = vivid(make_run((1, 8, 8), latent_dim=2))
    sheet = dots(draw_figures(run, only=["nearest_training"])[0]["nearest_training"])
    scale = grids.fit((8, 8), 10, 4).scale
    samples = run.model.sample(20, generator=torch.Generator().manual_seed(0))
    training = run.load_data().train.images / 255
    nearest = (samples[:, None] - training[None]).square().flatten(2).sum(2).argmin(1)
    pitch = 8 * scale + grids.GAP
    for sample, index in zip(samples, nearest.tolist(), strict=True):
        top, left = place(sheet, sample, scale)
        assert (top + pitch, left) in places(sheet, training[index], scale)


def test_interpolations_begin_and_end_with_the_images_they_are_between(make_run):
    run = make_run((1, 8, 8), likelihood="bce")
    drawn, _ = draw_figures(run, only=["interpolations"])
    sheet, images = dots(drawn["interpolations"]), run.load_data().test.images
    rebuilt = rebuilt_by_hand(run, images)
    scales = [s for s in range(1, 30) if any(places(sheet, image / 255, s) for image in images[:18])]
    (scale,) = scales or [0]
    ends = {}
    for index, image in enumerate(images):
        for top, left in places(sheet, image / 255, scale):
            ends.setdefault(top, []).append((left, index))
    assert len(ends) > 1
    for top, row in ends.items():
        (first, a), (last, b) = sorted(row)
        across = [left for y, left in places(sheet, rebuilt[a], scale) if y == top]
        assert across and first < across[0] < (first + last) / 2, "next to the left image its reconstruction"
        across = [left for y, left in places(sheet, rebuilt[b], scale) if y == top]
        assert across and (first + last) / 2 < across[-1] < last


@pytest.mark.parametrize(("shape", "kind", "latent_dim"), [((1, 8, 8), "cvae", 2), ((7,), "vae", 3)])
def test_no_figure_is_blank_and_files_hold_what_was_drawn(make_run, shape, kind, latent_dim):
    run = make_run(shape, kind=kind, latent_dim=latent_dim)
    drawn, _ = draw_figures(run, tsne=True)
    assert len(drawn) >= 5
    view = View(run, run.load_data(), Wishes(tsne=True))
    for name, path in drawn.items():
        axes = FIGURES[name].draw(view).axes[0]
        if not axes.images:
            assert colour(path) > 0.0005, name
            continue
        picture = np.asarray(axes.images[0].get_array()).astype(np.int16)
        if picture.shape[-1] == 4:  # parted by the page, which is white
            picture = np.where(picture[..., 3:] == 0, 255, picture[..., :3])
        assert len(np.unique(picture)) > 20, name
        assert len(where(dots(path), picture)) == 1, name
