"""What stands under a label is the number of the record: terminal, report, About page, curves, comparison."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import Tensor

from toy import SMALL, toy_data
from vaekit import ELBO, VAE, fit, load_run
from vaekit.cli.tables import summary_table
from vaekit.comparison import page
from vaekit.comparison.rows import ROWS, tabulate
from vaekit.config.methods import METHODS, Method
from vaekit.core import Loss
from vaekit.evaluation.table import rows
from vaekit.explorer import material
from vaekit.metrics import METRICS, Metric, Under, metric_of
from vaekit.models import Model
from vaekit.plots import curves
from vaekit.reports import run as report
from vaekit.runs.load import Run
from vaekit.runs.records import MetricLine, SplitSummary
from vaekit.runtime.screens import Dark, Standing
from vaekit.training.progress import Shown

TRAINED = (  # of some method
    "negative_elbo_nats", "negative_iwae_bound_nats", "loss_nats", "reconstruction_nats", "kl_nats",
    "minibatch_total_correlation_nats", "covariance_penalty_nats", "mse", "psnr_db", "code_usage", "code_perplexity",
    "commitment", "codebook", "discriminator_loss_nats", "generator_loss_nats", "code_bits", "code_nats", "nll_nats",
)  # fmt: skip
SPLITS = ("validation", "test")


def made_up(start: float) -> dict[str, float]:
    """Another number for each key."""
    return {key: start + 1.25 * i for i, key in enumerate(TRAINED)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose record holds every number, all different."""
    folder = tmp_path_factory.mktemp("shown") / "run"
    model = VAE((1, 4, 4), 2, width=8, likelihood="gaussian")
    fit(model, ELBO(), toy_data(), out=folder, epochs=1, **SMALL)
    loaded = load_run(folder)
    lines = [
        MetricLine(step, step, split, {k: v + step for k, v in made_up(start).items()})
        for split, start in (("train", 200.0), ("validation", 500.0))
        for step in (1, 2)
    ]  # fmt: skip
    splits = {"validation": SplitSummary(100, made_up(100.0)), "test": SplitSummary(300, made_up(300.0))}
    assert loaded.summary is not None
    summary = dataclasses.replace(loaded.summary, **splits)
    return dataclasses.replace(loaded, summary=summary, metrics=lines)


def figures(run: Run, split: str) -> dict[str, float]:
    """Name -> value, those of the run's record."""
    assert run.summary is not None
    return dict(run.summary.splits[split])


def printed(table: Any) -> list[list[str]]:
    """Cells of every line that the terminal shows; columns are apart by three spaces."""
    console = Console(width=220, file=io.StringIO())
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return [re.split(r" {3,}", line.strip()) for line in lines]


def table_of(html: str) -> list[list[str]]:
    """Cells of every row of a page's tables as text, `label|unit` first."""
    found = []
    for row in re.findall(r"<tr>(<th.*?)</tr>", html, re.DOTALL):
        cells = re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)
        found.append(
            [unescape(re.sub(r"<(?!br).*?>", "", cell)).replace("<br>", "|").strip() for cell in cells]
        )
    return found


def close(text: str, value: float) -> bool:
    return float(text.replace(",", "")) == pytest.approx(value, abs=0.006)


def test_the_terminal(run: Run) -> None:
    lines = printed(summary_table(run.summary))
    assert list(SPLITS) in lines
    found = {(cells[0], cells[-1]): cells[1:-1] for cells in lines}
    for key in TRAINED:
        metric = metric_of(key, run.under)
        first, second = found[metric.label, metric.unit]
        assert close(first, figures(run, "validation")[key]) and close(second, figures(run, "test")[key]), key


def test_the_report(run: Run) -> None:
    found = {row[0]: row[1:] for row in table_of(report.page(run, {}, {}))}
    for key in TRAINED:
        metric = metric_of(key, run.under)
        first, second, sentence = found[f"{metric.label}|{metric.unit}"]
        assert close(first, figures(run, "validation")[key]) and close(second, figures(run, "test")[key]), key
        assert metric.meaning[1:] in sentence
        assert ("Lower is better." in sentence, "Higher is better." in sentence) == (
            metric.better == "lower", metric.better == "higher",
        )  # fmt: skip
    headline = re.findall(r"<li><b>(.*?)</b><span>(.*?) on the test split", report.page(run, {}, {}))
    assert len(headline) > 5
    labels = {METRICS[key].label: figures(run, "test")[key] for key in report.HEADLINE}
    assert all(close(text, labels[unescape(label)]) for text, label in headline)


def test_the_page_of_the_explorer_shows_every_number_of_the_run(run: Run) -> None:
    found = {(row["label"], row["unit"]): row for row in material.numbers(run)}
    assert len(found) == len(figures(run, "test"))
    for key in TRAINED:
        metric = metric_of(key, run.under)
        row = found[metric.label, metric.unit]
        assert close(row["text"], figures(run, "test")[key]) and metric.meaning[1:] in row["sentence"]
    named = {curve["name"]: curve["splits"] for curve in material.curves(run.metrics, run.under)}
    for key in TRAINED:
        metric = metric_of(key, run.under)
        points = named[f"{metric.label} ({metric.unit})"]
        assert points["validation"] == [[line.step, line.values[key]] for line in run.metrics[2:]]


def test_the_curves(run: Run) -> None:
    figure = curves.training(run.metrics, run.under)
    shown = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}
    drawn = [key for key in TRAINED if METRICS[key].drawn]
    assert len(shown) == len(drawn) > 5
    for key in drawn:
        metric = metric_of(key, run.under)
        axes = next(
            a for title, a in shown.items() if title.partition(":")[0].casefold() == metric.label.casefold()
        )
        assert axes.get_ylabel().replace("\n", " ") == metric.unit
        lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}  # type: ignore[arg-type]
        assert lines["train"] == [line.values[key] for line in run.metrics[:2]]
        assert lines["validation"] == [line.values[key] for line in run.metrics[2:]]
    titles = "|".join(shown)
    assert "Rate: KL(q(z|x) ‖ p(z))" in titles and "Distortion: −log p(x|z)" in titles


def test_rows_of_an_evaluation() -> None:
    """Labels written here again, each with the value under its key."""
    health = {
        "rate_nats": ("rate", 1.0), "distortion_nats": ("distortion", 2.0), "aggregate_kl_nats": ("aggregate KL", 3.0),
        "aggregate_total_correlation_nats": ("total correlation of the aggregate", 4.0),
        "dimensionwise_kl_nats": ("dimension-wise KL", 5.0),
        "mutual_information_nats": ("mutual information", 6.0),
    }  # fmt: skip
    record: dict[str, Any] = {
        "seed": 0, "images": 7, "likelihood": "bce", "likelihood_kind": "pseudo", "classes": 3,
        "bce_bound_nats": {"value": 8.0, "standard_error": 0.5, "samples": 20, "images": 7},
        "health": {"images": 7, "mutual_information_ceiling_nats": 1.9459}
        | {key: {"value": value, "standard_error": None} for key, (_, value) in health.items()},
        "quality": {"images": {"compared": 7}, "recall_x": 0.25, "recall_x_se": 0.125, "recall_x_floor": 0.75,
                    "precision_x": 1.0, "precision_x_se": 0.0, "precision_x_low": 0.96, "precision_x_high": 1.0},
    }  # fmt: skip
    found = {row.label: row for row in rows(record)}
    assert {label: found[label].value for label, _ in health.values()} == dict(health.values())
    assert len(found) == len(health) + 3
    assert found["rate"].meaning.startswith("KL(q(z|x, y) ‖ p(z)): ")
    assert "log N = 1.95" in found["mutual information"].meaning
    bound, recall = found["bce importance-weighted loss"], found["recall (x)"]
    assert (bound.text, bound.unit) == ("8.00 ± 0.50", "nats per image of bce, no likelihood")
    assert "K = 20, 7 images" in bound.meaning
    assert (recall.text, recall.floor_text) == ("0.25 ± 0.12", "0.75")
    assert found["precision (x)"].text == "1.00 (0.96 to 1.00)"


def test_the_best_of_a_comparison_is_bold_and_the_column_is_its_method_s() -> None:
    better = {"fd": "a", "precision": "b", "recall": "c", "sharpness": "b", "reconstruction_mse": "c"}
    values = {
        "a": {"fd": 1.5, "precision": 0.1, "recall": 0.25, "sharpness": 3.0, "reconstruction_mse": 0.5},
        "b": {"fd": 2.5, "precision": 0.6, "recall": 0.35, "sharpness": 0.9, "reconstruction_mse": 0.25},
        "c": {"fd": 3.5, "precision": 0.3, "recall": 0.45, "sharpness": 0.2, "reconstruction_mse": 0.125},
    }
    records = {m: {0: {"figures": figures, "notes": {}}} for m, figures in values.items()}
    html = page._table(tabulate(records), {"fd": 0.75})
    found = {row[0].partition("|")[0]: row[1:] for row in table_of(html)}
    for key, best in better.items():
        metric = METRICS[key]
        shown = dict(zip("abc", found[metric.label], strict=False))
        assert {m: float(text) for m, text in shown.items()} == {m: values[m][key] for m in values}
        row = next(r for r in re.findall(r"<tr><th.*?</tr>", html) if f">{metric.label}<br>" in r)
        assert re.findall(r"<b>(.*?)</b>", row) == [f"{values[best][key]:g}"], key
        assert f"{metric.unit}, {metric.direction}" in unescape(row)
    assert found["Fréchet distance"][3] == "0.75"
    assert all(METRICS[key].label in html for key in better) and len(ROWS) > len(better)


# A number and a term of one's own -------------------------------------------------------------------

TILT = Metric("tilt", "degrees", "How far latents lean.", "lower", "θ(z)", short="tilt", drawn=True)


class Remembering(Dark):
    """A screen that keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Standing] = []

    def show(self, standing: Standing) -> None:
        self.shown.append(standing)


class Tilted(ELBO):
    """The ELBO with one more term."""

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        loss = super().forward(model, x, y, values)
        return Loss(loss.total, {**loss.terms, "tilt": loss.terms["kl_nats"].detach() * 7 + 3})


def test_one_entry_is_enough_for_a_number_of_one_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "tilt", TILT)
    vae = METHODS["vae"]
    tilted = Method(VAE, Tilted, vae.model_options, vae.objective_options, "a VAE that leans")
    monkeypatch.setitem(METHODS, "tilted", tilted)
    torch.manual_seed(0)
    history = fit(VAE((1, 4, 4), 2, width=8), Tilted(), toy_data(), out=tmp_path / "run", epochs=2, **SMALL)
    run = load_run(tmp_path / "run")
    value = history.test.tilt
    assert value == pytest.approx(7 * history.test.kl_nats + 3)
    terminal = next(cells for cells in printed(summary_table(history.summary)) if cells[0] == "tilt")
    assert terminal[2:] == [TILT.text(value), "degrees"]
    row = next(row for row in table_of(report.page(run, {}, {})) if row[0] == "tilt|degrees")
    assert row[2:] == [TILT.text(value), "θ(z): how far latents lean. Lower is better."]
    about = next(row for row in material.numbers(run) if row["label"] == "tilt")
    assert (about["unit"], about["text"]) == ("degrees", TILT.text(value))
    assert "tilt (degrees)" in [curve["name"] for curve in material.curves(run.metrics, run.under)]
    titles = {axes.get_title(loc="left"): axes.get_ylabel() for axes in curves.training(run.metrics).axes}
    assert titles["Tilt: θ(z)"] == "degrees"
    screen = Remembering()
    bar = Shown(screen)
    bar.begin(2, 6, 0)
    bar.report("train", 1, run.metrics[0].values)
    bar.end()
    assert f"tilt {TILT.text(run.metrics[0].values['tilt'])}" in screen.shown[-1].figures


def test_a_term_without_an_entry_is_shown_by_its_name_and_ending(run: Run) -> None:
    assert run.summary is not None
    test = SplitSummary(300, made_up(300.0) | {"lean_of_z_nats": 4.5})
    summary = dataclasses.replace(run.summary, test=test)
    changed = dataclasses.replace(run, summary=summary)
    assert ["lean of z|nats per image", "–", "4.50", ""] in table_of(report.page(changed, {}, {}))
    assert ["lean of z", "4.50", "nats per image"] in printed(summary_table(summary))
    assert {"label": "lean of z", "unit": "nats per image", "text": "4.50", "sentence": ""} in list(
        material.numbers(changed)
    )


def test_wording_follows_the_kind_of_the_likelihood(run: Run) -> None:
    html = report.page(run, {}, {})
    assert "−ELBO on the test split, nats per image, of a density" in html
    assert "gaussian is a density: its nats depend on the scale" in html
    assert run.under == Under("gaussian", "density")
