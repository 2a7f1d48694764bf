"""The sets drawn from known factors, as sources."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from vaekit import Data, load_data
from vaekit.data import Factor
from vaekit.data.synthetic import render
from vaekit.data.synthetic.render import draw_factors
from vaekit.data.synthetic.sprites import render_sprites
from vaekit.data.synthetic.strokes import render_strokes


@pytest.fixture(scope="module", params=["strokes", "sprites"])
def loaded(request: pytest.FixtureRequest) -> Iterator[Data]:
    """A tenth of the images."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(render, "STROKES_TRAIN", 6000)
        patched.setattr(render, "STROKES_TEST", 1000)
        patched.setattr(render, "SPRITES", 7200)
        yield load_data(request.param)


def test_images_are_those_of_their_factors(loaded: Data) -> None:
    draw = {"strokes": render_strokes, "sprites": render_sprites}[loaded.source]
    assert loaded.factors is not None
    for split in loaded.splits.values():
        assert split.factors is not None
        assert split.labels is not None
        assert split.factors.shape == (len(split), len(loaded.factors))
        some = torch.arange(0, len(split), 97)
        assert int((draw(split.factors[some]).int() - split.images[some].int()).abs().max()) <= 1
        assert torch.equal(split.labels, split.factors[:, 0].long())
        assert torch.equal(split.take(some).factors, split.factors[some])  # type: ignore[arg-type]
    for column, factor in enumerate(loaded.factors):
        values = loaded.train.factors[:, column]  # type: ignore[index]
        if factor.values is not None:
            assert torch.equal(values.unique(), torch.arange(factor.values).float())
        else:
            assert factor.low <= values.min() < factor.low + 0.01 * (factor.high - factor.low)
            assert factor.high >= values.max() > factor.high - 0.01 * (factor.high - factor.low)


def test_loading_again_gives_the_same(loaded: Data) -> None:
    again = load_data(loaded.source)
    assert again.fingerprint == loaded.fingerprint
    assert torch.equal(again.test.images, loaded.test.images)


def test_what_they_are(loaded: Data) -> None:
    if loaded.source == "strokes":
        assert (len(loaded.train) + len(loaded.validation), len(loaded.test)) == (6000, 1000)
        assert (loaded.pixels, loaded.shape) == ("8-bit", (1, 28, 28))
    else:
        assert sum(map(len, loaded.splits.values())) == 7200
        assert (loaded.pixels, loaded.shape) == ("binary", (1, 64, 64))


def test_factors_are_uniform_independent_and_do_not_depend_on_the_count() -> None:
    factors = (Factor("a", 4), Factor("b", None, -1.0, 3.0))
    drawn = draw_factors(factors, 20_000, 7)
    assert torch.equal(draw_factors(factors, 100, 7), drawn[:100])
    counts = torch.bincount(drawn[:, 0].long(), minlength=4)
    assert (counts - 5000).abs().max() < 4 * (20_000 * 0.25 * 0.75) ** 0.5
    assert drawn[:, 1].mean().item() == pytest.approx(1, abs=4 * 4 / 12**0.5 / 20_000**0.5)
    assert abs(torch.corrcoef(drawn.T)[0, 1]) < 4 / 20_000**0.5
