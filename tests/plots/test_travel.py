from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import nn

from embedded import embedding
from pictures import column_above, row_beside
from vaekit.core import SettingError
from vaekit.models import AE, VAE
from vaekit.plots import grids, paths, travel
from vaekit.runs import interpolate


class Flatten(nn.Module):
    """A stand-in encoder; the figures here only decode."""

    def __init__(self, shape, outputs):
        super().__init__()
        self.linear = nn.Linear(math.prod(shape), outputs)

    def forward(self, x, condition):
        return self.linear(x.flatten(1))


class Unflatten(nn.Module):
    def __init__(self, shape, latent_dim):
        super().__init__()
        self.linear, self.shape = nn.Linear(latent_dim, math.prod(shape)), shape

    def forward(self, z, condition):
        return self.linear(z).unflatten(-1, self.shape)


def model_of(shape=(1, 3, 5), latent_dim=2, kind=VAE):
    torch.manual_seed(0)
    outputs = latent_dim * (2 if kind is VAE else 1)
    encoder, decoder = Flatten(shape, outputs), Unflatten(shape, latent_dim)
    return kind(shape, latent_dim, likelihood="bce", encoder=encoder, decoder=decoder)


def pixels(model, z):
    """uint8 (H, W) of what the decoder's logits say about one code, computed here."""
    linear = model.decoder.linear
    logits = linear.weight.detach().double() @ torch.as_tensor(z, dtype=torch.float64) + linear.bias.detach()
    return np.rint(255 / (1 + np.exp(-logits.numpy()))).reshape(model.shape[1:])


def shown(figure, place, row, column):
    """uint8 (H, W) of one tile of a figure, its enlargement undone."""
    picture = np.asarray(figure.axes[0].images[0].get_array())[..., 0]
    top, left = row * place.pitch[0], column * place.pitch[1]
    height, width = 3 * place.scale, 5 * place.scale
    return picture[top : top + height : place.scale, left : left + width : place.scale]


def codes_of(kl_order_stddev, images=50):
    stddev = torch.tensor(kl_order_stddev).expand(images, -1)
    mean = torch.randn(images, len(kl_order_stddev), generator=torch.Generator().manual_seed(0))
    return embedding(mean * (1 - stddev), stddev)


def test_manifold_stands_on_quantiles():
    z = paths.manifold_latents(7).reshape(7, 7, 2)
    quantiles = norm.ppf((np.arange(7) + 0.5) / 7)
    assert np.allclose(z[3, :, 0], quantiles, atol=1e-6)  # to the right
    assert np.allclose(z[:, 3, 1], quantiles[::-1], atol=1e-6)  # upwards
    assert np.allclose(
        paths.manifold_latents(7, linear=True).reshape(7, 7, 2)[0, :, 0], np.linspace(-3, 3, 7)
    )


def test_manifold_tiles_are_what_the_model_decodes():
    model = model_of()
    figure = travel.manifold(model, n=6)
    place = grids.fit((3, 5), 6, 6, inches=0.28, gap=0)
    ticks = norm.ppf((np.arange(6) + 0.5) / 6)
    for row, column in [(0, 0), (5, 0), (2, 4)]:
        expected = pixels(model, [ticks[column], ticks[5 - row]])
        assert np.abs(shown(figure, place, row, column) - expected).max() <= 1


def test_labels_of_the_manifold_stand_where_their_values_are():
    figure = travel.manifold(model_of(), n=6)
    place = grids.fit((3, 5), 6, 6, inches=0.28, gap=0)
    ticks = [travel.signed(value, 1) for value in norm.ppf((np.arange(6) + 0.5) / 6)]
    labels = [text.get_text() for text in figure.texts if text.get_text() in ticks]
    assert {ticks[0], ticks[-1]} <= set(labels)
    for column, tick in enumerate(ticks):
        if tick in labels:
            assert column_above(figure, tick) // place.pitch[1] == column
            assert row_beside(figure, tick) // place.pitch[0] == 5 - column


def test_manifold_is_decoded_in_one_batch(monkeypatch):
    model, batches = model_of(), []
    decode = model.decode
    monkeypatch.setattr(model, "decode", lambda z, y: batches.append(len(z)) or decode(z, y))
    travel.manifold(model, n=20)
    assert batches == [400]


def test_traversals_go_by_kl_without_the_dead():
    stddev = [0.5, 1.0, 0.1, 0.9]
    codes = codes_of(stddev)
    codes.mean[:, 1] = 0.0  # equals the prior: dead
    kl = (0.5 * (codes.mean**2 + codes.stddev**2 - 1 - 2 * codes.stddev.log())).mean(0)  # closed form
    order = sorted([0, 2, 3], key=lambda d: -kl[d])
    figure = travel.traversals(model_of(latent_dim=4), codes)
    labels = [text.get_text() for text in figure.texts if text.get_text().endswith(" nats")]
    assert labels == [f"z{d}  {kl[d]:.2f} nats" for d in order]
    assert any("3 of 4 latents" in t.get_text() and "1 dead" in t.get_text() for t in figure.texts)


def test_what_is_cut_off_is_counted_beside_the_dead():
    codes = codes_of([0.5, 1.0, 0.1, 0.9, 0.2])
    codes.mean[:, 1] = 0.0
    figure = travel.traversals(model_of(latent_dim=5), codes, most=3)
    title = " ".join(figure.heading.title)
    assert title == "Traversals of 3 of 5 latents, by KL; 1 dead (< 0.01 nats) and 1 of smaller KL left out"


def test_traversal_tiles_are_what_the_model_decodes():
    model, codes = model_of(latent_dim=3), codes_of([0.3, 0.2, 0.5])
    figure = travel.traversals(model, codes)
    place = grids.fit((3, 5), paths.STEPS, 3, inches=travel.TILE)
    for row, dimension in enumerate(codes.live().tolist()):
        (label,) = [t.get_text() for t in figure.texts if t.get_text().startswith(f"z{dimension} ")]
        assert row_beside(figure, label) // place.pitch[0] == row
        z = codes.mean[0].double().clone()
        z[dimension] = -3 + 6 * 2 / 10  # third of eleven steps
        assert np.abs(shown(figure, place, row, 2) - pixels(model, z)).max() <= 1
    assert [column_above(figure, value) // place.pitch[1] for value in ("−3", "−1.8", "3")] == [0, 2, 10]


def test_traversals_of_an_autoencoder_go_by_variance():
    mean = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0, 0.0]) + 2
    codes = embedding(mean, torch.zeros_like(mean))
    assert codes.live().tolist() == [1, 0]
    z = paths.traversal_latents(codes, mean[0], torch.tensor([1]), steps=3)
    centre, unit = mean[:, 1].mean(), mean[:, 1].std(unbiased=False)
    assert torch.allclose(z[:, 1], torch.stack([centre - 3 * unit, centre, centre + 3 * unit]))
    assert (z[:, [0, 2]] == mean[0, [0, 2]]).all()
    figure = travel.traversals(model_of(latent_dim=3, kind=AE), codes)
    assert any("by variance" in t.get_text() and "1 constant" in t.get_text() for t in figure.texts)


def test_nothing_to_traverse_is_said():
    codes = embedding(torch.zeros(5, 2), torch.ones(5, 2))
    with pytest.raises(SettingError, match=r"no latent dimension carries 0\.01 nats"):
        travel.traversals(model_of(), codes)


def test_spherical_interpolation_is_the_arc():
    angle = 0.7
    a, b = torch.tensor([2.0, 0.0, 0.0]), 2 * torch.tensor([math.cos(angle), math.sin(angle), 0.0])
    walk = interpolate.slerp(a, b, 9)
    turned = torch.linspace(0, angle, 9)  # a rotation by equal angles in the plane of both
    expected = 2 * torch.stack([turned.cos(), turned.sin(), torch.zeros(9)], dim=1)
    assert torch.allclose(walk, expected, atol=1e-6)


def test_spherical_interpolation_keeps_the_norm_of_equal_ends():
    generator = torch.Generator().manual_seed(3)
    a, b = torch.randn(2, 20, generator=generator)
    b = b * a.norm() / b.norm()
    assert torch.allclose(interpolate.slerp(a, b, 11).norm(dim=1), a.norm().expand(11), rtol=1e-5)
    assert interpolate.lerp(a, b, 11)[5].norm() < 0.95 * a.norm()


@pytest.mark.parametrize("end", [[3.0, 6.0], [-1.0, -2.0], [0.0, 0.0]])
def test_spherical_interpolation_without_an_arc_is_the_line(end):
    a, b = torch.tensor([1.0, 2.0]), torch.tensor(end)
    expected = np.linspace(a.numpy(), b.numpy(), 5)
    assert np.allclose(interpolate.slerp(a, b, 5), expected, atol=1e-6)


def test_interpolations_stand_between_their_originals():
    model = model_of(latent_dim=3)
    images = torch.rand(4, 1, 3, 5, generator=torch.Generator().manual_seed(0))
    codes = codes_of([0.2, 0.3, 0.4], images=4)
    figure = travel.interpolations(model, images, codes, [(0, 3)])
    place = grids.fit((3, 5), paths.STEPS, 2)
    last = place.columns - 1
    for row in range(2):
        assert (shown(figure, place, row, 0) == np.rint(images[0, 0].numpy() * 255)).all()
        assert (shown(figure, place, row, last) == np.rint(images[3, 0].numpy() * 255)).all()
        assert np.abs(shown(figure, place, row, 1) - pixels(model, codes.mean[0])).max() <= 1
        assert np.abs(shown(figure, place, row, last - 1) - pixels(model, codes.mean[3])).max() <= 1
    third = codes.mean[0] + (codes.mean[3] - codes.mean[0]) * 3 / (last - 2)  # of last - 2 equal steps
    assert np.abs(shown(figure, place, 0, 4) - pixels(model, third)).max() <= 1


def test_pairs_are_of_different_classes():
    labels = torch.tensor([1, 1, 1, 2, 2, 2, 3, 3])
    assert paths.choose_pairs(labels, 8) == [(0, 3), (4, 6), (1, 5), (2, 7)]
    assert paths.choose_pairs(None, 5) == [(0, 1), (2, 3)]
    assert paths.choose_pairs(None, 1) == []


def test_pairs_begin_and_end_with_other_classes_each_time():
    """Test images are often in the order of their classes, or one class comes first again and again."""
    for labels in (torch.arange(10).repeat_interleave(30), torch.tensor([0, 5, 0, 7, 0, 8, 3, 0, 2, 4] * 20)):
        pairs = paths.choose_pairs(labels, len(labels))
        starts, ends = ([int(labels[pair[side]]) for pair in pairs] for side in (0, 1))
        assert len(set(starts)) == len(set(ends)) == 4
        assert all(a != b for a, b in zip(starts, ends, strict=True))
        assert len({index for pair in pairs for index in pair}) == 8
    assert paths.choose_pairs(torch.zeros(6, dtype=torch.long), 6) == [(0, 1), (2, 3), (4, 5)]
