from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import shlex
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from pages import read_page
from vaekit.cli.main import COMMANDS
from vaekit.cli.reading import read_training
from vaekit.data import load_data
from vaekit.models import VAE
from vaekit.objectives.elbo import ELBO
from vaekit.plots import FIGURES, draw_figures
from vaekit.reports import run as report
from vaekit.reports.shown import balanced, pictures
from vaekit.runs.load import load_run
from vaekit.training.fit import fit

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Text, attributes and balance of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a <b> & c")
    rng = np.random.default_rng(0)
    names = np.array(["<i>cat</i>", "R&D", "ok"])[np.arange(90) % 3]
    np.savez(folder / "x.npz", x=rng.integers(0, 255, (90, 8, 8), dtype=np.uint8), y=names)
    data = load_data(folder / "x.npz")
    model = VAE(
        data.shape, latent_dim=2, network="mlp", width=16, depth=1, likelihood="bce", pixels=data.pixels
    )
    fit(
        model,
        ELBO(beta=2.5),
        data,
        out=folder / "run",
        epochs=2,
        batch_size=32,
        seed=7,
        progress="none",
        device="cpu",
    )
    return load_run(folder / "run")


@pytest.fixture(scope="module")
def written(run):
    drawn, left_out = draw_figures(run, only=["reconstructions", "latent_map", "training"])
    path = report.write_report(run, drawn, left_out | {"manifold": "a <reason>"})
    return drawn, path


def test_everything_is_on_the_page_and_nothing_is_loaded(written):
    drawn, path = written
    page = Page(path.read_text(encoding="utf-8"))
    assert path.stat().st_size <= 5_000_000
    sources = [
        value for _, name, value in page.attributes if name in ("src", "href", "srcset", "action", "data")
    ]
    assert len(sources) == len(drawn)
    shown = [base64.b64decode(source.removeprefix("data:image/svg+xml;base64,")) for source in sources]
    assert sorted(shown) == sorted(drawn[name].with_suffix(".svg").read_bytes() for name in drawn)
    css = re.search(r"<style>(.*)</style>", path.read_text(encoding="utf-8"), re.DOTALL)
    assert css is not None
    assert not re.search(r"url\(|@import|https?:", css.group(1))
    assert "<script" not in path.read_text(encoding="utf-8")


def test_pictures_stand_above_their_own_captions(written):
    drawn, path = written
    figures = read_page(path.read_text(encoding="utf-8")).all("figure")
    assert sorted(figure.attributes["id"] for figure in figures) == sorted(drawn)
    order = {figure.attributes["id"]: figure.attributes["style"] for figure in figures}
    assert [order[name] for name in drawn] == [f"order: {number}" for number in range(len(drawn))]
    for figure in figures:
        name = figure.attributes["id"]
        (source,) = [image.attributes["src"] for image in figure.all("img")]
        assert base64.b64decode(source.partition(",")[2]) == drawn[name].with_suffix(".svg").read_bytes()
        assert figure.all("figcaption")[0].text.startswith(FIGURES[name].caption)
        assert figure.all("h3")[0].text in figure.all("img")[0].attributes["alt"]


def test_without_an_svg_the_png_is_shown(run, tmp_path):
    """Of figures that were drawn before there were any, or whose SVG is damaged."""
    drawn, _ = draw_figures(run, out=tmp_path, only=["training", "latent_map"])
    drawn["training"].with_suffix(".svg").unlink()
    drawn["latent_map"].with_suffix(".svg").write_bytes(b"<svg ")
    tree = read_page(report.page(run, drawn, {}))
    (shown,) = tree.all("figure")
    assert (
        base64.b64decode(shown.all("img")[0].attributes["src"].partition(",")[2])
        == drawn["training"].read_bytes()
    )
    assert shown.all("figcaption")[0].text == FIGURES["training"].caption
    assert "latent_map : its file is damaged" in tree.text


@pytest.mark.parametrize("count", [0, 1, 2, 5, 13, 19])
def test_both_columns_end_together(count):
    heights = [300 + 97 * (number * number % 7) for number in range(count)]
    column = balanced(heights)
    ends = [sum(h for h, at in zip(heights, column, strict=True) if at == side) for side in (0, 1)]
    assert len(column) == count
    assert abs(ends[0] - ends[1]) <= (max(heights, default=0) if count < 3 else 0.35 * max(heights))


def test_numbers_stand_in_the_column_of_their_split(run, written):
    table = read_page(written[1].read_text(encoding="utf-8")).all("table", "numbers")[0]
    head, *body = table.all("tr")
    columns = [cell.text for cell in head.all("th")]
    assert columns[1:3] == ["validation", "test"]
    shown = [[value_in(cell.text) for cell in row.all("td", "number")] for row in body]
    splits = {"validation": dict(run.summary.validation), "test": dict(run.summary.test)}
    numbers = splits["test"]
    assert len(numbers) >= 4
    for key in numbers:
        pair = [splits[split][key] for split in columns[1:3]]
        assert pair[0] != pair[1] or key == "images"
        assert any(values == pytest.approx(pair, rel=1e-4, abs=0.0051) for values in shown), key


def value_in(text: str) -> float:
    """The first number of a cell; nan where there is none."""
    found = re.search(r"-?[\d,]*\d(?:\.\d+)?", text.replace("−", "-"))
    return float(found[0].replace(",", "")) if found else float("nan")


def test_light_dark_and_print(written):
    text = written[1].read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert 'name="viewport"' in text


def leaves(value):
    return [leaf for item in value.values() for leaf in leaves(item)] if isinstance(value, dict) else [value]


def test_every_number_of_the_summary_is_on_the_page(run, written):
    text = Page(written[1].read_text(encoding="utf-8")).text.replace("−", "-")
    numbers = [n for n in leaves(json.loads((run.path / "summary.json").read_text(encoding="utf-8")))
               if isinstance(n, int | float) and not isinstance(n, bool)]  # fmt: skip
    assert len(numbers) > 10
    for number in numbers:
        shown = [float(word.replace(",", "")) for word in re.findall(r"-?[\d,]*\d(?:\.\d+)?", text)]
        assert any(abs(number - value) <= 0.005 + 1e-4 * abs(number) for value in shown), number


def test_numbers_have_a_sentence_and_unknown_ones_are_shown_plainly(run):
    test = dataclasses.replace(
        run.summary.test, figures=dict(run.summary.test.figures) | {"fid_of_tomorrow": 12.25}
    )
    run = dataclasses.replace(run, summary=dataclasses.replace(run.summary, test=test))
    text = Page(report.page(run, {}, {})).text
    assert "fid of tomorrow – 12.25" in text
    assert "summed over the values of an image. Lower is better." in text
    assert "0: they are ignored." in text


def test_names_are_escaped(run, written):
    source = written[1].read_text(encoding="utf-8")
    assert "a <reason>" not in source
    assert "a &lt;reason&gt;" in source
    assert "a <b> & c" not in source
    assert "a <b> & c" in Page(source).text
    data = dataclasses.replace(run.config.data, notes=("<script>alert(1)</script> & more",))
    run = dataclasses.replace(run, config=dataclasses.replace(run.config, data=data))
    assert "&lt;script&gt;alert" in report.page(run, {}, {})
    assert "<script>alert" not in report.page(run, {}, {})


def test_the_command_line_gives_these_settings_again(run):
    words = shlex.split(report.command_line(run))
    assert words[:3] == ["vaekit", "train", "vae"]
    settings, _ = read_training("vaekit train", COMMANDS["train"], words[2:])
    assert settings.flat() == run.settings.flat()


def test_settings_that_differ_are_listed_with_their_defaults(run, written):
    changed = report.changed_settings(run)
    assert changed["beta"] == (2.5, 1.0)
    assert changed["seed"] == (7, 0)
    assert "weight_decay" not in changed
    assert "beta 2.5 default: 1.0" in Page(written[1].read_text(encoding="utf-8")).text


def test_what_was_trained_in_words(run):
    text = " ".join(report.what_was_trained(run))
    counts = run.config.data.images
    assert f"{counts['train']:,} grey images of 8 × 8 pixels of 3 classes" in text
    assert "2 latent dimensions" in text
    assert "2 epochs" in text


def test_what_is_no_likelihood_is_said(written):
    assert "Under bce the numbers are no likelihoods" in Page(written[1].read_text(encoding="utf-8")).text


def test_a_run_that_has_not_ended_has_a_page(run):
    run = dataclasses.replace(run, summary=None)
    assert "The run has not ended" in Page(report.page(run, {}, {})).text


def test_large_figures_shrink_to_five_megabytes(run, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (1100, 1400, 3), dtype=np.uint8)
    names = ["reconstructions", "samples"]
    figures = {name: tmp_path / f"{name}.png" for name in names}
    for path in figures.values():
        Image.fromarray(noise).save(path)
    assert sum(path.stat().st_size for path in figures.values()) > 5_000_000
    path = report.write_report(run, figures, {})
    assert path.stat().st_size <= 5_000_000
    page = Page(path.read_text(encoding="utf-8"))
    for _, name, value in page.attributes:
        if name == "src":
            content = base64.b64decode(value.partition(",")[2])
            assert Image.open(io.BytesIO(content)).size == (1400, 1100)


def test_a_page_without_pictures_says_how_to_have_them() -> None:
    page = pictures({}, {})
    assert "vaekit figures" in page and "<figure" not in page
