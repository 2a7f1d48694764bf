from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from vaekit.core import SettingError
from vaekit.metrics import Under
from vaekit.plots import curves
from vaekit.runs.records import MetricLine, WeightsRecord


def metrics_of(epochs=5, beta=lambda epoch: 1.0, kl=True):
    """Lines as `fit` writes them: 20 steps per epoch, a training line every 10."""
    lines = []
    for epoch in range(1, epochs + 1):
        for half in (0.5, 1.0):
            at = epoch - 1 + half
            rates = {"kl_nats": 4 + at, "negative_elbo_nats": 104 - at} if kl else {}
            scheduled = {"beta": beta(epoch), "learning_rate": 1e-3}
            values = {"reconstruction_nats": 100 - 2 * at} | rates | scheduled
            lines.append(MetricLine(round(20 * at), epoch, "train", values))
        rates = {"kl_nats": 5.0 + epoch, "negative_elbo_nats": 106.0 - epoch} if kl else {}
        by_dimension = {"kl_nats_by_dimension": [0.001, 4.0 + epoch, 0.999]} if kl else {}
        values = {"reconstruction_nats": 101.0 - 2 * epoch} | rates | by_dimension
        lines.append(MetricLine(20 * epoch, epoch, "validation", values))
    return lines


def lines_of(axes):
    return {line.get_label(): line.get_xydata() for line in axes.lines}


def test_training_curves_hold_the_lines_of_the_metrics():
    figure = curves.training(metrics_of())
    elbo, distortion, rate = figure.axes
    assert np.allclose(lines_of(distortion)["validation"], [(e, 101 - 2 * e) for e in range(1, 6)])
    assert np.allclose(lines_of(rate)["train"], [(e / 2, 4 + e / 2) for e in range(1, 11)])
    assert np.allclose(lines_of(elbo)["validation"][:, 1], [105, 104, 103, 102, 101])
    assert {axes.get_ylabel() for axes in figure.axes} == {"nats per image"}
    assert {axes.get_xlabel() for axes in figure.axes} == {"epoch"}


@pytest.mark.parametrize(
    ("which", "epoch", "at"), [("best", 3, 3.0), ("best", 0, 0.0), ("best", 5, 5.0), ("last", 5, 5.0)]
)
def test_the_test_split_stands_where_its_weights_are_from(which, epoch, at):
    lines = [*metrics_of(), MetricLine(100, 5, "test", {"negative_elbo_nats": 103.5})]
    run = SimpleNamespace(metrics=lines, summary=SimpleNamespace(weights=WeightsRecord(which, epoch, False)))
    figure = curves.training(run)
    assert lines_of(figure.axes[0])["test"].tolist() == [[at, 103.5]]
    said = " ".join(text.get_text() for text in figure.texts)
    assert (f"Test: of the weights that are kept, {run.summary.weights.when}." in said) == (which == "best")
    assert lines_of(curves.training(lines).axes[0])["test"].tolist() == [[5.0, 103.5]]


def test_a_line_of_two_steps_is_no_dip_of_the_curve():
    lines = [
        MetricLine(step, 1 + (step - 1) // 48, "train", {"loss_nats": 40.0 - 6 * (step % 50 == 0)})
        for step in (48, 50, 96)
    ]
    (curve,) = curves.training(lines).axes[0].lines
    assert np.allclose(curve.get_xydata(), [(1, 40), (2, 40 - 6 * 2 / 48)])


def test_schedules_are_drawn_only_where_they_vary():
    figure = curves.training(metrics_of(beta=lambda epoch: epoch / 5))
    assert len(figure.axes) == 4  # the learning rate is constant, beta is not
    (line,) = figure.axes[3].lines
    assert np.allclose(line.get_ydata()[::2] * 10.0 ** np.floor(np.log10(1.0)), [0.2, 0.4, 0.6, 0.8, 1.0])
    assert figure.axes[3].get_ylabel() == "β"


def test_pseudo_likelihoods_are_named_with_the_unit():
    figure = curves.training(metrics_of(), Under("bce", "pseudo"))
    assert figure.axes[1].get_ylabel() == "nats per image of bce,\nno likelihood"


def test_an_autoencoder_has_one_panel_and_no_rate():
    metrics = metrics_of(kl=False)
    assert len(curves.training(metrics).axes) == 1
    with pytest.raises(SettingError, match="two epochs or more with a KL"):
        curves.rate_distortion(metrics)
    with pytest.raises(SettingError, match="no KL by dimension"):
        curves.kl_by_dimension(metrics)
    with pytest.raises(SettingError, match="no losses yet"):
        curves.training([])


def test_a_steep_start_does_not_flatten_the_rest():
    lines = metrics_of(epochs=50)
    lines[0].values["negative_elbo_nats"] = 1e6
    low, high = curves.training(lines).axes[0].get_ylim()
    assert low < 56
    assert high < 1000


def test_path_of_rate_and_distortion_and_equal_elbo():
    figure = curves.rate_distortion(metrics_of())
    axes = figure.axes[0]
    (path,) = [c for c in axes.collections if len(c.get_offsets()) == 5]
    assert np.allclose(path.get_offsets(), [(5 + e, 101 - 2 * e) for e in range(1, 6)])
    dotted = [line.get_xydata() for line in axes.lines if line.get_linestyle() == ":"]
    assert len(dotted) > 3
    assert all(np.isclose(*line.sum(1)) for line in dotted)  # rate + distortion is the same at both ends


def test_kl_by_dimension_is_sorted_by_the_last():
    figure = curves.kl_by_dimension(metrics_of())
    left, right = figure.axes
    table = left.collections[0].get_array().reshape(3, 5)
    assert np.allclose(table, [[5, 6, 7, 8, 9], [0.999] * 5, [0.001] * 5])
    assert [text.get_text() for text in left.get_yticklabels()] == ["z1", "z2", "z0"]
    assert [bar.get_width() for bar in right.patches] == [9.0, 0.999, 0.001]
    assert "2 of 3 dimensions" in figure.texts[0].get_text()


def test_steps_are_the_axis_before_the_first_epoch_ends():
    lines = [MetricLine(50, 0, "train", {"reconstruction_nats": 3.0})]
    assert curves.series(lines, "train", "reconstruction_nats")[0].tolist() == [50]


def test_the_kl_over_training_begins_with_it():
    """One cell for each validation, from the first (before any step) to the last, and nothing before epoch 0."""
    before = MetricLine(0, 0, "validation", {"kl_nats_by_dimension": [0.0, 0.0, 0.0]})
    for metrics, ends in (([before, *metrics_of()], (0, 5)), ([before], (0, 0.5))):
        mesh = curves.kl_by_dimension(metrics).axes[0].collections[0]
        edges = mesh.get_coordinates()[0, :, 0]
        assert (edges[0], edges[-1]) == ends and (np.diff(edges) > 0).all()
        assert mesh.get_array().shape == (3, sum(line.split == "validation" for line in metrics))


@pytest.mark.parametrize(("turn", "above"), [(1, True), (-1, False)])
def test_the_label_of_an_end_stands_where_the_path_is_not(turn, above):
    """A path that comes from the lower left leaves the place above its end free, and the other way round."""
    x = np.linspace(0, 1, 20)
    assert curves._free_above(x, turn * x, -1, left=True) == above
    assert curves._free_above(x, turn * x, 0, left=False) != above
