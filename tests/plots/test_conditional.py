"""Style against class, tile by tile, against what the model decodes."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from pictures import row_beside
from vaekit.data import Split
from vaekit.images.tile import GAP
from vaekit.inference import encode
from vaekit.models import VAE, Model
from vaekit.plots import class_grid, class_styles
from vaekit.plots.conditional import one_each
from vaekit.plots.draw import draw_figures
from vaekit.plots.figures import FIGURES
from vaekit.plots.grids import BAND, fit
from vaekit.plots.paths import choose_pairs
from vaekit.plots.travel import interpolations, manifold, traversals

NAMES = ["cat", "dog", "frog"]


def model(latents: int = 2) -> VAE:
    torch.manual_seed(0)
    made = VAE((1, 6, 6), latents, network="mlp", width=16, classes=3)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made.eval()


def shown(figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())[..., 0]


def tiles(figure, scale: int, rows: int, columns: int, top: int = 0) -> np.ndarray:
    """(rows, columns, 6, 6) of a grid that begins at a dot."""
    pitch = 6 * scale + GAP
    picture = shown(figure)[top:]
    return np.stack(
        [
            [picture[r * pitch :: scale, c * pitch :: scale][:6, :6] for c in range(columns)]
            for r in range(rows)
        ]
    )


def grey(images: torch.Tensor) -> np.ndarray:
    return np.rint(images.detach()[:, 0].clamp(0, 1).numpy() * 255)


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_one_row_per_class_one_column_per_z() -> None:
    made = model()
    figure = class_grid(made, NAMES, seed=4)
    z = torch.randn(10, 2, generator=torch.Generator().manual_seed(4))
    scale = fit((6, 6), 10, 3).scale
    found = tiles(figure, scale, 3, 10)
    for number in range(3):
        expected = grey(made.decode(z, torch.full((10,), number)).mean)
        assert np.abs(found[number] - expected).max() <= 1
    assert [row_beside(figure, name) // (6 * scale + GAP) for name in NAMES] == [0, 1, 2]


class ConditionalPrior(Model):
    """The decoder knows nothing of classes; what is drawn depends on the class."""

    shape, sampled_classes = (1, 6, 6), 3  # pyright: ignore[reportAssignmentType]

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def sample(self, count: int, y=None, *, temperature=1.0, generator=None) -> torch.Tensor:
        assert y is not None
        return ((y[:, None, None, None] + torch.rand(count, 1, 6, 6, generator=generator)) / 3).float()

    def prepare(self, images: torch.Tensor) -> None:
        pass


def test_draws_of_a_conditional_prior_are_not_called_one_code() -> None:
    figure = class_grid(ConditionalPrior(), NAMES, seed=4)
    noise = torch.rand(10, 1, 6, 6, generator=torch.Generator().manual_seed(4))
    found = tiles(figure, fit((6, 6), 10, 3).scale, 3, 10)
    for number in range(3):
        assert np.abs(found[number] - grey((number + noise) / 3)).max() <= 1
    assert any("conditioned on the class of the row" in text for text in texts(figure))
    assert not any("one z" in text for text in texts(figure))


def test_test_images_above_themselves_in_every_class() -> None:
    made = model()
    images, labels = torch.rand(7, 1, 6, 6), torch.tensor([2, 2, 0, 1, 0, 1, 2])
    figure = class_styles(made, Split(images, labels), NAMES)
    chosen = torch.tensor([2, 3, 0])  # the first of each class
    assert one_each(labels, 3, 9).tolist() == chosen.tolist()
    scale = fit((6, 6), 10, 4).scale
    assert np.abs(tiles(figure, scale, 1, 3)[0] - grey(images[chosen])).max() <= 1
    found = tiles(figure, scale, 3, 3, top=6 * scale + BAND)
    codes = made.encode(images[chosen], labels[chosen]).mean
    for number in range(3):
        expected = grey(made.decode(codes, torch.full((3,), number)).mean)
        assert np.abs(found[number] - expected).max() <= 1
    assert row_beside(figure, "test image") < 6 * scale
    below = [(row_beside(figure, name) - 6 * scale - BAND) // (6 * scale + GAP) for name in NAMES]
    assert below == [0, 1, 2]


def test_more_classes_than_a_page_holds_are_counted() -> None:
    made = VAE((1, 64, 64), 2, network="mlp", width=4, classes=200)
    names = [f"class {number}" for number in range(200)]
    assert any("of 200 classes" in text for text in texts(class_grid(made, names)))
    labels = torch.arange(30)
    assert any(
        "of 200 classes" in text
        for text in texts(class_styles(made, Split(torch.rand(30, 1, 64, 64), labels), names))
    )


def test_walks_stay_within_a_class() -> None:
    """The label of the image that they begin with holds for every picture of theirs."""
    made = model()
    images, labels = torch.rand(6, 1, 6, 6), torch.tensor([1, 0, 1, 2, 0, 2])
    pairs = choose_pairs(labels, 6, alike=True)
    assert pairs == [(0, 2), (1, 4), (3, 5)]
    assert choose_pairs(torch.arange(6), 6, alike=True) == []
    codes = encode(made, Split(images, labels))
    figure = interpolations(made, images, codes, [(3, 5)])
    scale = fit((6, 6), 11, 2).scale
    start = made.decode(codes.mean[3:4], torch.tensor([2])).mean
    assert np.abs(tiles(figure, scale, 1, 2)[0, 1] - grey(start)[0]).max() <= 1
    rows = tiles(traversals(made, codes), fit((6, 6), 11, 2, inches=0.42).scale, 1, 11)
    moved = codes.mean[0].clone()
    moved[codes.live()[0]] = -3.0
    assert np.abs(rows[0, 0] - grey(made.decode(moved[None], torch.tensor([1])).mean)[0]).max() <= 1


def test_the_manifold_of_one_class() -> None:
    made = model()
    figure = manifold(made, n=8, label=2, name="frog")
    assert any("class frog" in text for text in texts(figure))
    scale = fit((6, 6), 8, 8, inches=0.28, gap=0).scale
    z = torch.special.ndtri(torch.tensor([[0.5 / 8, 1 - 0.5 / 8]], dtype=torch.float64)).float()
    corner = shown(figure)[: 6 * scale : scale, : 6 * scale : scale]
    assert np.abs(corner - grey(made.decode(z, torch.tensor([2])).mean)[0]).max() <= 1


def test_which_figures_a_run_has(make_run) -> None:
    drawn, left_out = draw_figures(make_run((1, 8, 8), kind="cvae"))
    assert set(left_out) == {
        "latent_tsne", "manifold", "information", "responses", "code_usage", "code_maps", "bytes_and_error"
    }  # fmt: skip
    assert set(drawn) == FIGURES.keys() - left_out.keys()


def test_a_model_without_labels_says_so(make_run) -> None:
    _, left_out = draw_figures(make_run((1, 8, 8)), only=["class_grid", "class_styles"])
    assert set(left_out.values()) == {"this model is not conditioned on classes (a cvae is)"}
