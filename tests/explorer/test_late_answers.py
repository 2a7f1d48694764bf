"""The page while an answer is on its way: whoever has moved, chosen or left meanwhile is not overruled by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from explorer_tab import Explored, Held, Tab, give, set_slider

SETTLE = 300  # milliseconds in which an answer is drawn, and the address written


def served(*runs: str) -> Any:
    return pytest.mark.parametrize("here", [("served", run) for run in runs], ids=runs, indirect=True)


@contextmanager
def held_back(here: Explored, pattern: str, count: int = 1) -> Iterator[None]:
    """Holds requests back; at the end they have come, there were so many at least, and they have been answered."""
    held = Held(here.page, pattern)
    yield
    assert here.tab.until(lambda: len(held.routes) >= count)
    held.let_go()
    here.page.wait_for_timeout(SETTLE)


def swap(here: Explored) -> None:
    here.click("Swap")


def keep_current(here: Explored) -> None:
    here.page.locator(".ends figure:nth-child(2)").get_by_role("button", name="Current").click()


@served("vae")
@pytest.mark.parametrize("change", [keep_current, swap])
def test_what_is_done_before_the_second_end_has_come_holds(
    here: Explored, change: Callable[[Explored], None]
) -> None:
    """Either way B is the place from which one came: chosen, or swapped for the image that was on its way."""
    z = here.z(1.5, -1)
    page = here.open("manifold", z=z)
    with held_back(here, "**/codes-*.bin"):
        page.click("#tab-between")
        change(here)
    first = {"a": here.material.embedding.mean[1].tolist()} if change is swap else {}
    here.says(b=z, **first)
    assert here.address()["b"], "the address has the end"
    here.tile(10, here.decoded(z), "#view .sheet")


@served("vae", "gan")
def test_a_view_that_is_left_writes_no_end(here: Explored) -> None:
    page = here.open("manifold", z=here.z(1.5, -1))
    with held_back(here, "**/codes-*.bin", int(here.can.encodes)):
        page.click("#tab-between")
        page.click("#tab-sliders")
        here.moves(lambda: here.click("Reset"))
    assert "a" not in here.address() and ("b" in here.address()) == (not here.can.encodes)


@served("vae", "cvae")
def test_of_two_planes_the_later_one_is_shown(here: Explored) -> None:
    page = here.open("map", axes="0,1")
    page.wait_for_selector(".legend .chip")
    with held_back(here, "**/plane.bin"):
        page.locator("#view select").first.select_option("pca")
        page.locator("#view select").first.select_option("axes")
    assert "Across: z0" in page.inner_text("#view")
    assert page.locator("#view select").nth(1).input_value() == "0"
    here.says(axes="0,1")


@served("vae")
def test_a_map_without_points_has_no_place_in_the_address(here: Explored) -> None:
    page = here.open("sliders")
    with held_back(here, "**/plane.bin"):
        page.click("#tab-map")
        page.get_by_role("button", name="Zoom in").click()
        page.focus("canvas.map")
        page.keyboard.press("+")
    assert "map" not in here.address()


@served("vqvae")
def test_what_comes_late_does_not_move_who_has_moved(here: Explored) -> None:
    for button, files in (("Random image", "**/codes-*.bin"), ("Draw from the prior", "**/api/sample*")):
        page = here.open("codes", z=[3] * 16)
        with held_back(here, files):
            here.click(button)
            z = here.moves(lambda page=page: page.locator(".overlay").press("+"))
        assert here.code() == z
        assert "…" not in page.inner_text("#status")


@served("vae")
def test_of_two_files_the_later_one_is_read(here: Explored) -> None:
    page, images = here.open("yours"), here.material.split.images
    held = Held(page, "**/api/image").routes
    for k in (5, 6):
        give(page, "paste", "body", images[k])
        assert here.tab.until(lambda k=k: len(held) == k - 4)
    for route in reversed(held):  # the first one comes last
        route.continue_()
        route.request.response().finished()
        page.wait_for_timeout(SETTLE)
    here.shows(images[6, 0].numpy().astype(int), ".pair figure:first-child canvas")


@served("vae")
def test_a_grid_that_is_out_of_date_is_not_drawn(here: Explored) -> None:
    z, (across, up, other) = here.z(0.5, -1), [d["index"] for d in here.material.dimensions()]
    page = here.open("manifold", z=z, grid=f"{across},{up}")
    corner = np.array(z)
    corner[[across, up]] = -1.8339, 1.8339
    here.tile(0, here.decoded(corner), ".sheet.large", 15, 0)
    page.mouse.move(2, 2)
    held = Held(page, "**/api/decode*").routes
    before = here.tab.levels(".sheet.large")
    across_of = page.locator("#view select").first
    across_of.select_option(str(other))
    assert here.tab.until(lambda: len(held) == 1)
    across_of.select_option(str(across))
    held[0].continue_()
    assert here.tab.until(lambda: len(held) == 2)  # the grid of now, which has not come
    assert (here.tab.levels(".sheet.large") == before).all()
    held[1].continue_()


@served("vae")
def test_strips_of_a_view_that_is_left_are_not_asked_for(here: Explored) -> None:
    page = here.open("sliders", z=here.z(0.5, -1))
    here.tile(0, here.decoded([-3, *here.z(0.5, -1)[1:]]), ".slider:has(#z0) .sheet")
    lengths: list[int] = []
    page.route(
        "**/api/decode*",
        lambda route: (lengths.append(len(route.request.post_data_buffer)), route.continue_()),
    )
    set_slider(page, "#z1", 2.0)
    page.click("#tab-about")
    page.wait_for_timeout(SETTLE)
    assert lengths and max(lengths) == 4 * here.can.latent, lengths  # the current picture alone


@pytest.mark.parametrize("view", ["about", "sliders"])
def test_a_first_picture_that_fails_says_why(view: str, tab: Tab, served: dict[str, str]) -> None:
    problem = {"status": 500, "json": {"error": "no picture today"}}
    tab.page.route("**/api/decode*", lambda route: route.fulfill(**problem))
    page = tab.open(f"{served['vae']}#view={view}")
    page.wait_for_timeout(SETTLE)
    page.unroute_all()
    assert page.inner_text("#status.error") == "no picture today"
    assert all("500" in line for line in tab.wrong), tab.wrong  # the browser's own lines on the answers
    tab.wrong.clear()
    page.get_by_role("button", name="Reset").click()
    page.wait_for_selector("#status:not(.error)", state="attached")
