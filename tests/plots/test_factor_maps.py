"""Figures of factors against what was put into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vaekit.data import Factor
from vaekit.data.synthetic import render
from vaekit.evaluation.factors.factor_table import FactorTable
from vaekit.plots.factor_maps import carried, factor_response, information_map, response

KINDS = (Factor("kind", 3, ordered=False), Factor("place", None))


@pytest.fixture
def table() -> FactorTable:
    """z0 noise, z1 the place, z2 the kind times ten."""
    random = np.random.default_rng(0)
    factors = np.stack([random.integers(3, size=2000), random.random(2000)], axis=1).astype(float)
    codes = np.stack([random.normal(size=2000), 2 * factors[:, 1] - 1, 10 * factors[:, 0]], axis=1)
    return FactorTable(codes, factors, KINDS)


def test_responses_are_the_means_by_value(table: FactorTable) -> None:
    places, mean, spread = response(table, 2, 0)
    assert (places.tolist(), mean.tolist(), spread.tolist()) == ([0, 1, 2], [0, 10, 20], [0, 0, 0])
    places, mean, spread = response(table, 1, 1)
    assert len(places) == 20
    np.testing.assert_allclose(mean, 2 * places - 1, atol=1e-9)
    np.testing.assert_allclose(spread, 2 * 0.05 / 12**0.5, rtol=0.35)


def test_the_map_shows_the_rows_asked_for_with_their_shares(table: FactorTable) -> None:
    axes = information_map(table, [2, 1]).axes[0]
    shown = np.asarray(axes.images[0].get_array())
    assert shown.shape == (2, 2)
    assert shown[0, 0] == pytest.approx(1)
    assert shown[1, 1] > 0.8  # the bins of code and factor do not meet
    assert max(shown[0, 1], shown[1, 0]) < 0.05
    assert [label.get_text() for label in axes.get_yticklabels()] == ["z2", "z1"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["kind", "place"]
    assert len(axes.texts) == 2


def test_dimensions_are_named_by_what_they_carry(table: FactorTable) -> None:
    found = carried(table, KINDS)
    assert found.keys() == {1, 2}
    assert found[2] == "kind 100%"
    assert found[1].startswith("place 8")


def test_every_pair_has_a_panel(table: FactorTable) -> None:
    figure = factor_response(table, [0, 1, 2])
    assert len(figure.axes) == 6
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["z0", "z1", "z2"]
    assert [axes.get_xlabel() for axes in figure.axes[4:]] == ["kind", "place"]
    line = figure.axes[3].lines[0]  # z1 against the place
    np.testing.assert_allclose(line.get_ydata(), 2 * np.asarray(line.get_xdata()) - 1, atol=1e-9)


def test_drawn_where_factors_are_known(terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "STROKES_TRAIN", 600)
    monkeypatch.setattr(render, "STROKES_TEST", 1000)
    sizes = ["--width", "8", "--depth", "1", "--epochs", "1", "--latent-dim", "2", "--device", "cpu"]
    assert terminal("train", "vae", "--data", "strokes", "--out", tmp_path / "run", *sizes).status == 0
    outcome = terminal("figures", tmp_path / "run", "--only", "information,responses")
    assert outcome.status == 0
    assert (tmp_path / "run/figures/information.png").is_file() or "left out" in outcome.out
