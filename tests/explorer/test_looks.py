"""What the pages look like in chromium, on a phone and on a desk, light and dark: no text too pale, nothing wider than the
window but what scrolls by itself, no picture or control without words, no figure too small to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from explorer_tab import Tab
from looks import faults
from vaekit.comparison.dots import compared, dots, ticks
from vaekit.comparison.page import _table
from vaekit.comparison.rows import Spread, Table
from vaekit.plots import draw_figures
from vaekit.reports.html import document
from vaekit.reports.run import page as report_page
from vaekit.runs.load import Run

WINDOWS = {"phone": (390, 844), "desk": (1440, 900)}
SCHEMES = ("light", "dark")


@pytest.fixture
def table() -> Table:
    """Seven methods, names of all lengths, a row that one of them lacks, one that is alike and one of another likelihood."""
    methods = ["ae", "vae", "a-method-of-a-rather-long-name", "info-vae", "vqvae", "gan", "cvae"]
    figures = {
        name: {
            "fd": Spread(21.5 - number, 0.62, 3),
            "precision": Spread(0.5 + number / 30, 0.012, 3),
            "kd": Spread(-0.0771 * number, None, 1),
            "recall": Spread(0.25, 0.0, 3),
            "nll_nats": Spread(-1046.2 + number, 3.2, 3),
            **({} if name == "gan" else {"reconstruction_mse": Spread(0.0055 * (number + 1), 5.4e-5, 3)}),
        }
        for number, name in enumerate(methods)
    }
    kinds = {name: ("gaussian" if name == "ae" else "bernoulli", "density") for name in methods}
    return Table(figures, {name: {} for name in methods}, {}, kinds)


@pytest.fixture
def files(tmp_path: Path, runs: dict[str, Run], table: Table) -> dict[str, str]:
    """Addresses of a report with its figures, and of the tables of a comparison."""
    run = runs["cvae"]
    drawn, left_out = draw_figures(
        run, out=tmp_path, only=["reconstructions", "latent_map", "class_grid", "training"]
    )
    floor = {"fd": 2.09, "precision": 0.875}
    pages = {
        "report": report_page(run, drawn, left_out | {"manifold": "it needs two latents"}),
        "comparison": document("seven methods", [dots(table, floor), _table(table, floor)]),
    }
    for name, content in pages.items():
        (tmp_path / f"{name}.html").write_text(content, encoding="utf-8")
    return {name: (tmp_path / f"{name}.html").as_uri() for name in pages}


def test_a_report_and_a_comparison(browser: Any, files: dict[str, str]) -> None:
    for scheme in SCHEMES:
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        for name, address in files.items():
            page.goto(address)
            page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
            for window, (width, height) in WINDOWS.items():
                page.set_viewport_size({"width": width, "height": height})
                assert faults(page) == {}, (name, scheme, window)
        context.close()


def test_figures_are_dark_on_a_dark_page(browser: Any, files: dict[str, str]) -> None:
    """The ground of a figure is that of the page around it."""
    for scheme, level in (("light", 255), ("dark", 0x0D)):
        context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(files["report"])
        shown = page.locator("#training img")
        shown.scroll_into_view_if_needed()
        reds = page.evaluate(
            """async ([address, src]) => {
              const image = new Image();
              image.src = src;
              await image.decode();
              const canvas = new OffscreenCanvas(40, 40).getContext('2d');
              canvas.drawImage(image, 0, 0);
              return [...canvas.getImageData(1, 1, 1, 1).data];
            }""",
            ["", shown.get_attribute("src")],
        )
        assert reds[0] == level, (scheme, reds)
        context.close()


def test_head_and_first_column_of_a_comparison_stay(browser: Any, files: dict[str, str]) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 500})
    page = context.new_page()
    page.goto(files["comparison"])
    box = page.locator(".tall")
    box.scroll_into_view_if_needed()
    before = [
        page.locator(which).first.bounding_box()
        for which in (".compared thead th:nth-child(2)", ".compared tbody tr:last-child th")
    ]
    box.evaluate("e => e.scrollTo(200, 150)")
    after = [
        page.locator(which).first.bounding_box()
        for which in (".compared thead th:nth-child(2)", ".compared tbody tr:last-child th")
    ]
    assert after[0]["y"] == before[0]["y"]
    assert after[0]["x"] < before[0]["x"] - 100
    assert after[1]["x"] == before[1]["x"]
    context.close()


@pytest.mark.parametrize("kind", ["served", "exported"])
def test_every_view_of_the_explorer(kind: str, tab: Tab, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(kind)["cvae"]
    for scheme in SCHEMES:
        tab.page.emulate_media(color_scheme=scheme)
        for window, (width, height) in WINDOWS.items():
            page = tab.open(address, width, height)
            for view in page.locator("[role=tab]").all_inner_texts():
                page.get_by_role("tab", name=view, exact=True).click()
                assert faults(page) == {}, (view, scheme, window)


def test_the_status_says_what_is_shown(tab: Tab, served: dict[str, str]) -> None:
    page = tab.open(served["vae"] + "#view=sliders")
    assert page.inner_text("#status").startswith("Image 0 of ")
    page.get_by_role("button", name="Draw from the prior").click()
    assert page.inner_text("#status") == "A draw from the prior, N(0, I)."
    page.get_by_role("button", name="Random image").click()
    page.wait_for_selector("#status:has-text('as the model rebuilds it')")
    page.focus("#z0")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#status") == "A place of your own."


def test_views_in_which_nothing_could_change_are_not_offered(tab: Tab, served: dict[str, str]) -> None:
    page = tab.open(served["collapsed"])
    assert not {"Between", "Attributes", "Manifold"} & set(page.locator("[role=tab]").all_inner_texts())


def test_rows_that_say_nothing_side_by_side_have_no_dots(table: Table) -> None:
    """One that is alike for all, and nats under two likelihoods, stay in the table."""
    assert compared(table) == ["fd", "kd", "precision", "reconstruction_mse"]
    drawn = dots(table, {"fd": 2.09})
    assert drawn.count('class="floor"') == 1
    assert "gan 16.5 ± 0.62; cvae 15.5 ± 0.62; training images 2.09" in drawn
    assert dots(Table({}, {}, {}, {}), {}) == ""


@pytest.mark.parametrize("low", [-1000.0, -0.07, 0.0, 0.9575, 123456.0])
@pytest.mark.parametrize("span", [1e-4, 0.013, 1.0, 7.7, 2500.0])
def test_ticks_are_few_round_and_within(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 4
    assert all(low - 1e-9 <= tick <= low + span + 1e-9 for tick in found)
    assert len({f"{tick:.12g}" for tick in found}) == len(found)
