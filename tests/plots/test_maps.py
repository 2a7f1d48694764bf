from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle
from scipy.stats import chi2
from sklearn.decomposition import PCA

from embedded import embedding
from vaekit.core import SettingError
from vaekit.images.colours import class_colors
from vaekit.plots import maps as latent
from vaekit.plots.planes import project

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip
SRGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(color: str, deficiency: str) -> np.ndarray:
    """CIELAB (D65) of a colour as somebody with a deficiency sees it."""
    c = np.array(to_rgb(color))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = SRGB @ np.clip(np.array(DEFICIENCIES[deficiency]) @ linear, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def random_codes(n=400, d=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mean = torch.randn(n, d, generator=generator) @ torch.randn(d, d, generator=generator)
    stddev = 0.1 + 0.5 * torch.rand(n, d, generator=generator)
    return embedding(mean, stddev, torch.arange(n) % 3)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("count", [2, 7, 10])
def test_classes_can_be_told_apart_by_the_colour_blind(deficiency, count):
    seen = [lab(color, deficiency) for color in class_colors(count)]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 15  # matplotlib's tab10 comes to 4.6


@pytest.mark.parametrize("centre", [0.0, -0.5, 3.0])
def test_a_few_points_close_together_are_seen_within_the_circles_that_the_title_names(centre):
    """Two pictures, or latents that carry nothing, would else fill the map, and no circle be in view."""
    mean = centre + 0.01 * torch.arange(4.0).reshape(2, 2)
    axes = latent.latent_map(embedding(mean, torch.ones(2, 2))).axes[0]
    low, high = (np.array(ends) for ends in zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    radius = np.sqrt(chi2.ppf(0.5, 2))
    assert (low < -radius).all() and (high > radius).all()
    assert (low < mean.numpy()).all() and (mean.numpy() < high).all()


@pytest.mark.parametrize("classes", [True, False])
def test_colours_are_spoken_of_where_there_are_classes(classes):
    codes = random_codes()
    figure = latent.latent_map(codes if classes else replace(codes, labels=None), projection="highest")
    assert ("colours are classes" in " ".join(text.get_text() for text in figure.texts)) == classes


def test_map_shows_the_two_dimensions_of_highest_kl():
    codes = random_codes()
    kl = 0.5 * (codes.mean**2 + codes.stddev**2 - 1 - torch.log(codes.stddev**2)).mean(0)
    first, second = torch.argsort(kl, descending=True)[:2].tolist()
    figure = latent.latent_map(codes, ["a", "b", "c"], "highest")
    points = np.concatenate([c.get_offsets() for c in figure.axes[0].collections if len(c.get_offsets())])
    assert np.allclose(points, codes.mean[:, [first, second]])
    assert figure.axes[0].get_xlabel() == f"z{first}  ({kl[first]:.2f} nats)"
    assert "two of highest KL among 4 latents" in figure.texts[0].get_text()


@pytest.mark.parametrize("classes", [3, 14])  # in shapes too, beyond ten
def test_points_have_the_colour_that_the_legend_gives_their_class(classes):
    codes = random_codes(d=2)
    codes = replace(codes, labels=torch.arange(400) * 7 % classes)
    names = [f"class {number}" for number in range(classes)]
    axes = latent.latent_map(codes, names).axes[0]
    handles, labels = axes.get_legend_handles_labels()
    colours = {label: handle.get_facecolor()[0][:3] for handle, label in zip(handles, labels, strict=True)}
    shapes = {label: handle.get_paths()[0].vertices for handle, label in zip(handles, labels, strict=True)}
    seen = 0
    for points in (c for c in axes.collections if len(c.get_offsets())):
        for place, colour in zip(points.get_offsets(), points.get_facecolor(), strict=True):
            nearest = (codes.mean - torch.tensor(np.asarray(place))).square().sum(1).argmin()
            name = names[int(codes.labels[nearest])]
            assert np.allclose(colour[:3], colours[name])
            assert np.array_equal(points.get_paths()[0].vertices, shapes[name])
            seen += 1
    assert seen == 400


def test_map_of_an_autoencoder_goes_by_variance():
    mean = torch.randn(300, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 3.0, 2.0])
    plane = project(embedding(mean, torch.zeros_like(mean)), "highest")
    assert (plane.points == mean[:, [1, 2]]).all()
    assert plane.xlabel == f"z1  (variance {np.var(mean[:, 1].numpy()):.2g})"


def test_principal_components_are_those_of_scikit_learn():
    codes = random_codes()
    plane = project(codes, "pca")
    reference = PCA(2).fit(codes.mean.numpy())
    theirs = reference.components_.T
    theirs = theirs * np.sign(theirs[np.abs(theirs).argmax(0), [0, 1]])
    assert np.allclose(plane.directions, theirs, atol=1e-4)
    assert np.allclose(plane.points, codes.mean.numpy() @ theirs, atol=1e-3)
    assert f"{reference.explained_variance_ratio_[0]:.0%}" in plane.xlabel


def test_ellipses_are_the_projected_covariances():
    stddev = torch.tensor([[0.3, 0.9, 0.2]])
    directions = torch.linalg.qr(torch.randn(3, 2, generator=torch.Generator().manual_seed(0)))[0]
    width, height, angle = (float(t) for t in latent.ellipse_shapes(stddev, directions))
    turn = np.array([[np.cos(np.radians(angle)), -np.sin(np.radians(angle))],
                     [np.sin(np.radians(angle)), np.cos(np.radians(angle))]])  # fmt: skip
    drawn = turn @ np.diag([(width / 2) ** 2, (height / 2) ** 2]) @ turn.T
    u = directions.numpy()
    assert np.allclose(drawn, u.T @ np.diag(stddev[0].numpy() ** 2) @ u, atol=1e-6)


def test_ellipses_on_request_one_an_image():
    codes = random_codes(d=2)
    axes = latent.latent_map(codes, projection="axes", ellipses=25).axes[0]
    collection = next(c for c in axes.collections if type(c).__name__ == "EllipseCollection")
    assert len(collection.get_offsets()) == 25
    with pytest.raises(SettingError, match="t-SNE bends space"):
        latent.latent_map(random_codes(40), projection="tsne", ellipses=3)


def test_circles_hold_their_share_of_the_prior():
    axes = latent.latent_map(random_codes(d=2)).axes[0]
    radii = [patch.get_radius() for patch in axes.patches if isinstance(patch, Circle)]
    assert np.allclose(chi2.cdf(np.square(radii), 2), [0.5, 0.9, 0.99])


def test_an_autoencoder_has_no_prior_circles():
    codes = random_codes(d=2)
    axes = latent.latent_map(embedding(codes.mean, torch.zeros_like(codes.mean))).axes[0]
    assert not [patch for patch in axes.patches if isinstance(patch, Circle)]


def test_labels_at_medians_are_pushed_apart():
    places = np.array([[0.0, 0.0], [0.1, 0.02], [5.0, 0.0], [0.0, 0.01]])
    moved = latent.spread_labels(places, np.ones(4), height=1.0)
    for i, j in itertools.combinations([0, 1, 3], 2):
        assert abs(moved[i, 1] - moved[j, 1]) >= 0.99
    assert (moved[2] == places[2]).all()
    assert (moved[:, 0] == places[:, 0]).all()


def test_class_names_stand_at_the_medians():
    mean = torch.tensor([[-5.0, 0.0], [5.0, 0.0]]).repeat(100, 1)
    mean += 0.1 * torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    codes = embedding(mean, torch.full_like(mean, 0.1), torch.tensor([0, 1]).repeat(100))
    axes = latent.latent_map(codes, ["left", "right"]).axes[0]
    found = {text.get_text(): text.get_position() for text in axes.texts}
    assert np.allclose(found["left"], np.median(mean[::2].numpy(), axis=0))
    assert np.allclose(found["right"], np.median(mean[1::2].numpy(), axis=0))


def test_crowded_names_are_left_to_the_legend():
    codes = random_codes(n=3000, d=2)
    crowd = embedding(codes.mean, codes.stddev, torch.arange(3000) % 24)
    axes = latent.latent_map(crowd, [f"class {i}" for i in range(24)]).axes[0]
    assert not [text for text in axes.texts if text.get_text().startswith("class")]
    assert len(axes.get_legend().get_texts()) == 24


def test_one_stray_code_does_not_shrink_the_map():
    codes = random_codes(n=2000, d=2)
    codes.mean[0] = 1e4
    assert max(np.abs(latent.latent_map(codes).axes[0].get_xlim())) < 50


def test_one_latent_has_no_map():
    codes = embedding(torch.zeros(9, 1), torch.ones(9, 1))
    with pytest.raises(SettingError, match="two latent dimensions or more"):
        latent.latent_map(codes)
    with pytest.raises(SettingError, match="models of two latents"):
        latent.latent_map(random_codes())
