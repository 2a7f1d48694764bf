"""The page of a comparison against the records it was made from: column, row, bold, floor, verdict, picture."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pages import Node, read_page
from toy import SMALL, toy_data
from vaekit import AE, ELBO, VAE, Data, Reconstruction, Split, fit
from vaekit.comparison.measure import Reference
from vaekit.comparison.page import networks, write_comparison
from vaekit.comparison.plan import Plan
from vaekit.comparison.wish import Request
from vaekit.config.options import DataSettings
from vaekit.runs.load import load_run

METHODS = ("gan", "vae", "ae")  # neither sorted nor in the table's own order

# figure -> which is best among values above 1 ("low", "high", "" none is), and a word of its label
ROWS: dict[str, tuple[str, str]] = {
    "sharpness": ("low", "sharpness"),  # near 1 is right
    "fd": ("low", "Fréchet"),
    "kd": ("low", "kernel"),
    "precision": ("high", "precision"),
    "density": ("low", "density"),  # near 1 is right
    "recall": ("high", "recall"),
    "coverage": ("high", "coverage"),
    "least_class": ("high", "rarest class"),
    "class_evenness": ("high", "evenness"),
    "as_asked": ("high", "as asked"),
    "reconstruction_mse": ("low", "squared error"),
    "knn_accuracy": ("high", "neighbours"),
    "probe_accuracy": ("high", "linear"),
    "midpoint_fd": ("low", "midpoints: Fréchet"),
    "midpoint_precision": ("high", "midpoints: precision"),
    "normal_fd": ("low", "N(0, I): Fréchet"),
    "normal_precision": ("high", "N(0, I): precision"),
    "fitted_fd": ("low", "fitted normal: Fréchet"),
    "fitted_precision": ("high", "fitted normal: precision"),
    "active_units": ("", "active"),
    "aggregate_total_correlation_nats": ("low", "total correlation"),
    "total_correlation_from_moments_nats": ("low", "normal density"),
    "nll_nats": ("low", "log p(x)"),
    "lossless_bits": ("low", "lossless"),
    "code_bits": ("", "code"),
    "processor_seconds": ("", "processor time"),
    "train_seconds": ("", "time"),
    "prior_seconds": ("", "prior"),
    "steps": ("", "steps"),
    "epochs": ("", "epochs"),
    "prior_epochs": ("", "epochs of the prior"),
    "parameters": ("", "parameters"),
    "prior_parameters": ("", "prior"),
}


def value_of(name: str, method: str) -> float:
    """Different in every cell, whole and of three digits; which method has the least changes with the row."""
    row = list(ROWS).index(name)
    return 100.0 + 10 * row + (METHODS.index(method) + row) % 3


def record(figures: dict[str, Any]) -> dict[str, Any]:
    about = {"likelihood": "bernoulli", "likelihood_kind": "mass"}
    return {"figures": {"parameters": 5, **figures}, "notes": {}, **about}


class Measured(Reference):
    """A reference whose floor is written down."""

    written: dict[str, float] = {}

    def floor(self) -> dict[str, float]:
        return self.written


def rows_of_numbers() -> Data:
    """Data that have no pictures."""
    rows = Split(torch.zeros(4, 5))
    return Data("rows", rows, rows, rows, "real")


def page(
    records: dict[str, Any], folder: Path, floor: dict[str, float] | None = None, data: Data | None = None
) -> Node:
    data = data or rows_of_numbers()
    wish = Request(DataSettings(data.source), tuple(records), (0,), None, 2, {})
    plan = Plan(wish, "", {method: {"epochs": 2} for method in records})
    reference = Measured(data, None)
    reference.written = floor or {}
    path, _ = write_comparison(plan, records, reference, data, folder)
    return read_page(path.read_text(encoding="utf-8"))


def table_of(tree: Node) -> tuple[list[str], list[list[Node]]]:
    """Names of the columns, and the cells of every row, its label first."""
    (table,) = tree.all("table", "compared")
    head, *rows = table.all("tr")
    return [cell.text for cell in head.all("th")][1:], [
        row.all("th") + row.all("td") for row in rows if row.all("td")
    ]


def row_of(tree: Node, name: str) -> list[Node]:
    """The cells of the row that holds a figure's values, its label first."""
    expected = [f"{value_of(name, method):.0f}" for method in METHODS]
    expected.append(f"{value_of(name, 'gan') + 500:.0f}")
    (row,) = [cells for cells in table_of(tree)[1] if [cell.text for cell in cells[1:]] == expected]
    return row


@pytest.fixture
def complete(tmp_path: Path) -> Node:
    records = {m: {0: record({name: value_of(name, m) for name in ROWS})} for m in METHODS}
    return page(records, tmp_path, {name: value_of(name, "gan") + 500 for name in ROWS})


@pytest.mark.parametrize("name", ROWS)
def test_every_figure_is_under_its_method_beside_its_label_and_before_its_floor(
    complete: Node, name: str
) -> None:
    assert table_of(complete)[0] == [*METHODS, "training rows"]
    assert ROWS[name][1].lower() in row_of(complete, name)[0].text.lower()


@pytest.mark.parametrize("name", ROWS)
def test_the_best_of_a_row_is_bold_and_nothing_else_is(complete: Node, name: str) -> None:
    values = [value_of(name, method) for method in METHODS]
    best = {"low": min(values), "high": max(values)}.get(ROWS[name][0])
    bold = [cell.text for cell in row_of(complete, name)[1:] if cell.all("b")]
    assert bold == ([] if best is None else [f"{best:.0f}"])


def test_a_figure_that_a_method_lacks_is_missing_under_that_method(tmp_path: Path) -> None:
    records = {
        "gan": {0: record({"fd": 11.0})},
        "vae": {0: record({"fd": 12.0, "nll_nats": 90.0})},
        "ae": {0: record({"reconstruction_mse": 17.0})},
    }
    _, rows = table_of(page(records, tmp_path))
    texts = [[cell.text for cell in row[1:]] for row in rows]
    assert ["11", "12", "not defined", ""] in texts
    assert ["not defined", "90", "not defined", ""] in texts
    assert ["not defined", "not defined", "17", ""] in texts


def test_squared_errors_of_binarised_pixels_say_so(tmp_path: Path) -> None:
    """On the page, in its file and in the table that is made from that file; and of other pixels nothing does."""
    figures = {"reconstruction_mse": 17.0, "code_bits": 30.0, "code_mse": 17.0, "fd": 2.0}
    for binarised in (True, False):
        records = {m: {0: record(figures) | {"binarised": binarised}} for m in ("vae", "beta-vae")}
        (folder := tmp_path / str(binarised)).mkdir()
        tree = page(records, folder)
        labels = [
            cells[0].text for cells in table_of(tree)[1] if [c.text for c in cells[1:3]] == ["17", "17"]
        ]
        assert len(labels) == 2
        assert [", of binarised values" in label for label in labels] == [binarised, binarised]
        assert tree.text.count("of binarised values") == (6 if binarised else 0), (
            "rows, what they mean, claims"
        )
        assert ("one fixed draw of each row" in tree.text) == binarised
        numbers = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
        assert numbers["binarised"] == binarised


def test_deviations_over_seeds_stand_below_their_means(tmp_path: Path) -> None:
    records = {
        "gan": {0: record({"fd": 11.0}), 1: record({"fd": 15.0})},
        "vae": {0: record({"fd": 40.0}), 1: record({"fd": 60.0})},
    }
    _, rows = table_of(page(records, tmp_path))
    assert ["13 ± 2.8", "50 ± 14", ""] in [[cell.text for cell in row[1:]] for row in rows]


def test_failed_runs_are_listed_and_counted_under_their_method(tmp_path: Path) -> None:
    records = {"gan": {0: {"failed": "it burst"}}, "vae": {0: record({"fd": 12.0})}}
    tree = page(records, tmp_path)
    assert [item.text for item in tree.all("ul", "failed")[0].all("li")] == ["gan, seed 0 : it burst"]
    _, rows = table_of(tree)
    assert ["1", "0"] in [[cell.text for cell in row[1:3]] for row in rows]


def test_the_file_of_numbers_has_each_figure_under_its_method(tmp_path: Path) -> None:
    records = {m: {0: record({name: value_of(name, m) for name in ROWS})} for m in METHODS}
    page(records, tmp_path, {"fd": 3.5})
    found = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    means = {m: {name: found["methods"][m][name]["mean"] for name in ROWS} for m in METHODS}
    assert means == {m: {name: value_of(name, m) for name in ROWS} for m in METHODS}
    assert found["training_images"] == {"fd": 3.5}


def test_verdicts_stand_before_the_sentences_they_are_about(tmp_path: Path) -> None:
    records = {
        "vae": {0: record({"fd": 12.0, "reconstruction_mse": 5.0, "sharpness": 0.5})},
        "ae": {0: record({"reconstruction_mse": 2.0})},
        "gan": {0: record({"fd": 4.0, "precision": 0.9, "sharpness": 1.0})},
        "beta-vae": {0: record({"reconstruction_mse": 1.0})},
    }
    items = page(records, tmp_path).all("li", "claim")
    found = {item.text: item.attributes["class"].split()[-1] for item in items}

    def verdict(sentence: str) -> tuple[str, str]:
        ((text, mark),) = [(text, mark) for text, mark in found.items() if sentence in text]
        return text.split(" §")[0].split(" use cases")[0], mark

    assert verdict("limits how much a VAE's latents carry") == ("holds", "yes")  # 5 is above 2
    assert verdict("paid for in reconstruction") == ("does not hold here", "no")  # 1 is below 5
    assert verdict("those of a VAE tend to be blurry") == ("holds", "yes")
    assert verdict("the latent space is more regularised") == ("not judged", "none")
    assert verdict("Compression and reconstruction") == ("does not hold here", "no")


def tiles(uri: str, columns: int, side: int) -> np.ndarray:
    """Tiles of a picture in a page: one dot of each pixel, (N, side, side), grey."""
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("L"))
    pitch = (sheet.shape[1] + 2) // columns  # a gap of two dots
    scale = (pitch - 2) // side
    rows = (sheet.shape[0] + 2) // pitch
    return np.stack(
        [
            sheet[r * pitch : r * pitch + side * scale : scale, c * pitch : c * pitch + side * scale : scale]
            for r in range(rows)
            for c in range(columns)
        ]
    )


def same(shown: np.ndarray, images: Tensor) -> bool:
    """Whether tiles are these images, but for rounding."""
    return np.abs(shown / 255 - images[:, 0].numpy()).max() < 0.6 / 255


def test_pictures_are_those_of_the_method_whose_name_they_bear(tmp_path: Path) -> None:
    data, models = toy_data(), {}
    for method, seed in (("vae", 3), ("ae", 4)):
        torch.manual_seed(seed)
        kind = {"vae": VAE, "ae": AE}[method]
        objective = {"vae": ELBO, "ae": Reconstruction}[method]()
        fit(
            kind((1, 4, 4), 2, width=8, likelihood="bce"),
            objective,
            data,
            out=tmp_path / f"{method}-0",
            epochs=1,
            **SMALL,
        )
        models[method] = load_run(tmp_path / f"{method}-0").model
    records = {method: {0: record({"reconstruction_mse": 1.0})} for method in models}
    tree = page(records, tmp_path, data=data)
    strips = [(f.all("b")[0].text, f.all("img")[0].attributes["src"]) for f in tree.all("figure", "strip")]
    assert [name for name, _ in strips] == ["test images", "vae", "ae", "vae", "ae"]
    shown, images = tiles(strips[0][1], 10, 4), data.test.images
    places = [int(np.abs(images[:, 0].numpy() - one.astype(int)).max((1, 2)).argmin()) for one in shown]
    assert sorted(places) == [*range(10)], "each test image once, mixed from the classes"
    assert same(shown, images[places] / 255)
    for name, uri in strips[1:3]:
        assert same(tiles(uri, 10, 4), models[name].reconstruct(images[places]))
    for name, uri in strips[3:]:
        walk = tiles(uri, 10, 4).reshape(2, 10, 4, 4)
        for row in walk:
            ends = [
                int(np.abs(data.test.images[:, 0].numpy() - end.astype(int)).max((1, 2)).argmin())
                for end in (row[0], row[-1])
            ]
            assert ends[0] != ends[1]
            assert same(row[[0, -1]], data.test.images[ends] / 255)
            assert same(row[[1, -2]], models[name].reconstruct(data.test.images[ends]))
    cards = {f.all("b")[0].text: f.all("img")[0].attributes["src"] for f in tree.all("figure", "card")}
    assert list(cards) == ["vae", "ae"]
    shown = tiles(cards["vae"], 8, 4)
    z = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        decoded = {name: torch.sigmoid(model.decoder(z, None)) for name, model in models.items()}
    assert same(tiles(cards["ae"], 8, 4), decoded["ae"]), "an autoencoder decodes N(0, I)"
    assert len(shown) == 32
    assert not same(shown, decoded["ae"])
    assert float(shown.std()) > 0


def test_a_method_with_networks_of_its_own_is_named() -> None:
    assert networks(["vae", "gan"]) == "Networks of the same family and size."
    assert "size; vqvae: its own kind" in networks(["vae", "vqvae"])
