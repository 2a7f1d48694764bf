"""The page in chromium: every view of every kind of model, served by vaekit and as an exported folder.

OFFERED says what each has, and each test of a view runs on all that have it. Expectations come from the
model or from the files, never from the page; after each test nothing may be on the console, no line be an
error, and nothing have been asked of another machine (`tab` in conftest.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from drawing import fixed_draw
from explorer_tab import Explored, Held, Tab, close, give, png, set_slider

OFFERED = {
    "vae": ["Map", "Sliders", "Your image", "Between", "Attributes", "Manifold", "About the run"],
    "cvae": ["Map", "Sliders", "Your image", "Between", "Attributes", "Classes", "Manifold", "About the run"],
    "vqvae": ["Your image", "Codes", "About the run"],
    "gan": ["Sliders", "Between", "Manifold", "About the run"],
}
SHEETS = {  # view -> the canvas that its button saves
    "map": "canvas.map", "between": ".view-between > .sheet", "attributes": ".view-attributes > .sheet",
    "classes": ".view-classes > .sheet", "codes": ".view-codes > .sheet", "manifold": ".sheet.large",
}  # fmt: skip
NAMES = {
    "Map": "map", "Sliders": "sliders", "Your image": "yours", "Between": "between", "Attributes": "attributes",
    "Classes": "classes", "Codes": "codes", "Manifold": "manifold", "About the run": "about",
}  # fmt: skip


def having(view: str, *kinds: str) -> Any:
    """Runs a test on the page of every run that has a view."""
    cases = [
        (kind, run) for run in OFFERED if view in OFFERED[run] for kind in kinds or ("served", "exported")
    ]
    return pytest.mark.parametrize("here", cases, ids=["-".join(case) for case in cases], indirect=True)


def views(here: Explored) -> list[str]:
    return [NAMES[title] for title in OFFERED[here.subject.run.path.name]]


@having("About the run")
def test_what_a_method_cannot_do_is_absent(here: Explored) -> None:
    name = here.subject.run.path.name
    page = here.open(
        "map" if "map" not in views(here) else "codes"
    )  # the address may ask for what is not there
    assert page.locator("[role=tab]").all_inner_texts() == OFFERED[name]
    draws = here.can.prior == "normal" or here.kind == "served"
    buttons = ["Undo", "Reset", *["Draw from the prior"] * draws, *["Random image"] * here.can.encodes]
    assert page.locator("#current button").all_inner_texts() == [*buttons, "Save PNG"]
    fields = page.locator("#current .field > span").all_inner_texts()
    assert fields == ["Class"] * (name == "cvae") + ["Class to draw"] * (
        name == "vqvae" and here.kind == "served"
    )
    for title in OFFERED[name]:
        page.get_by_role("tab", name=title, exact=True).click()
        assert page.get_attribute("#view", "class") == f"view-{NAMES[title]}"
        assert page.locator("#view").bounding_box()["height"] > 100


@having("Sliders")
def test_sliders(here: Explored) -> None:
    page, z = here.open("sliders", z=here.z(0.5, -1), y=2), here.z(0.5, -1)
    here.shows(here.decoded(z, 2))
    dimensions = [d["index"] for d in here.material.dimensions()]
    if here.can.encodes:
        assert dimensions == torch.argsort(here.material.embedding.relevance(), descending=True).tolist()
    order = page.eval_on_selector_all(".slider input", "all => all.map((e) => Number(e.id.slice(1)))")
    assert order == dimensions
    for tile in (0, 8):  # the strip of the first: it alone moves
        there = [*z]
        there[order[0]] = -3 + 6 * tile / 8
        here.tile(tile, here.decoded(there, 2), ".slider .sheet")
    z[1] = 2.0
    set_slider(page, "#z1", 2.0)
    here.shows(here.decoded(z, 2))
    here.says(z=z)
    z[order[0]] = -3.0
    here.click_tile(0, ".slider .sheet", 9)
    here.shows(here.decoded(z, 2))
    start = here.material.about()["start"]
    here.click("Reset")
    here.shows(here.decoded(start, here.material.about()["start_class"]))
    here.click("Undo")
    here.shows(here.decoded(z, 2))
    here.says(z=z)  # the address follows a moment later
    drawn = here.moves(lambda: here.click("Draw from the prior"))
    assert max(map(abs, drawn)) < 6
    here.shows(here.decoded(drawn, 2))
    if here.can.encodes:
        found = here.moves(lambda: here.click("Random image"))
        nearest = (here.material.embedding.mean - torch.tensor(found)).abs().amax(1).argmin()
        assert here.material.embedding.mean[nearest].tolist() == pytest.approx(found, abs=1e-3)
        y = int(here.material.split.labels[nearest])  # its own class, where the model is told one
        here.shows(here.decoded(found, y))


@having("Sliders", "served")
def test_keys_move_a_slider_and_take_it_back(here: Explored) -> None:
    z = here.z(0.5, -1)
    page = here.open("sliders", z=z)
    here.shows(here.decoded(z))
    page.focus("#z0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    here.says(z=[0.7, *z[1:]])
    page.keyboard.press("Home")
    here.shows(here.decoded([-3, *z[1:]]))
    page.keyboard.press("Control+z")
    here.shows(here.decoded([0.7, *z[1:]]))
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    here.shows(here.decoded(z))


def test_dead_dimensions_are_folded_away(tab, served, materials) -> None:
    material = materials["folded"]
    relevance = material.embedding.relevance()
    assert float(relevance[1]) < 1e-6 < 0.01 < float(relevance.max())
    page = tab.open(served["folded"] + "#view=sliders")
    seen = {row.get_attribute("id") for row in page.locator(".slider input:visible").all()}
    assert seen == {f"z{d}" for d in range(3) if relevance[d] >= 0.01}
    page.get_by_text(f"{3 - len(seen)} dead dimension").click()
    page.wait_for_selector("#z1:visible")


def test_where_all_dimensions_are_dead_the_page_says_so(tab, served, materials) -> None:
    assert float(materials["collapsed"].embedding.relevance().max()) < 0.01
    page = tab.open(served["collapsed"] + "#view=sliders")
    assert "Every dimension is dead" in page.inner_text("#view")
    assert page.locator(".slider:visible").count() == 3


def middle_of(here: Explored, selector: str) -> tuple[float, float]:
    box = here.page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@having("Map")
def test_places_of_the_map(here: Explored) -> None:
    """The middle of the map is a place without images; the other directions of the latents stay."""
    plane, z = here.material.plane, np.array(here.z(0.5, -1))
    directions, (x, y) = np.array(plane["directions"]), (plane["points"].max(0).values + 0.5).tolist()
    there = z + directions.T @ ((x, y) - directions @ z)
    page = here.open("map", z=tuple(z), y=2, map=(x, y, 0.5))
    page.wait_for_selector(".legend .chip")
    here.shows(here.decoded(z, 2))
    page.mouse.move(*middle_of(here, "canvas.map"))
    here.shows(here.decoded(there, 2))  # decoded live, and left again
    assert not page.locator(".tip").is_visible()
    page.mouse.move(5, 5)
    here.shows(here.decoded(z, 2))
    page.mouse.click(*middle_of(here, "canvas.map"))
    here.says(z=there)
    here.shows(here.decoded(there, 2))
    page.focus("canvas.map")
    moved = here.moves(lambda: page.keyboard.press("ArrowUp"))
    assert directions @ moved == pytest.approx([x, y + 0.5 / 40], abs=2e-3)
    box = page.locator("canvas.map").bounding_box()
    unit = 0.5 / min(box["width"], box["height"])  # latent units per pixel
    page.mouse.down()
    page.mouse.move(*np.add(middle_of(here, "canvas.map"), (90, 30)), steps=3)
    page.mouse.up()
    here.says(map=(x - 90 * unit, y + 30 * unit, 0.5))  # a drag moves the view and not the latents
    assert here.code() == moved
    assert here.moves(lambda: page.mouse.wheel(0, -400), "map")[2] == pytest.approx(
        0.5 / np.exp(0.72), abs=0.02
    )
    assert here.moves(lambda: page.keyboard.press("-"), "map")[2] > 0.25
    here.click("Show all")
    assert here.tab.until(lambda: "map" not in here.address())


BLUE = 2  # the channel in which every class differs from the ground


@having("Map")
def test_points_of_the_map(here: Explored) -> None:
    """The middle of the map is one image; pointing shows it, a click goes to its latents and class."""
    split, points = here.material.split, here.material.plane["points"]
    far = int(points.norm(dim=1).argmax())
    y = int(split.labels[far])
    page = here.open("map", z=here.z(0.5, -1), y=(y + 1) % 10, map=(*points[far].tolist(), 0.05))
    page.wait_for_selector(".legend .chip")
    page.mouse.move(*middle_of(here, "canvas.map"))
    here.shows(split.images[far, 0].numpy().astype(int), ".tip canvas")
    assert page.inner_text(".tip") == str(y)
    page.mouse.click(*middle_of(here, "canvas.map"))
    here.says(z=here.material.embedding.mean[far].tolist())
    here.shows(here.decoded(here.material.embedding.mean[far], y))
    chip = page.locator(".legend .chip").nth(y)
    coloured = here.tab.levels("canvas.map", BLUE).std()
    chip.click()  # without its class the point is gone
    here.says(hide=y)
    page.mouse.move(*np.add(middle_of(here, "canvas.map"), (3, 3)))
    page.wait_for_selector(".tip", state="hidden")
    assert here.tab.levels("canvas.map", BLUE).std() != coloured
    chip.dblclick()  # all others go, this one returns
    here.says(hide=",".join(str(c) for c in range(10) if c != y))
    here.click("All")
    assert here.tab.until(lambda: "hide" not in here.address())


@having("Map", "served")
def test_the_map_of_two_latents(here: Explored) -> None:
    order = [d["index"] for d in here.material.dimensions()]
    mean = here.material.embedding.mean
    far = int(mean[:, order[:2]].norm(dim=1).argmax())
    page = here.open("map")
    page.wait_for_selector(".legend .chip")
    page.locator("#view select").first.select_option("axes")
    here.says(axes=",".join(map(str, order[:2])))
    here.open("map", axes=tuple(order[:2]), map=(*mean[far, order[:2]].tolist(), 0.05))
    page.wait_for_selector(".legend .chip")
    assert page.locator("#view select").nth(2).input_value() == str(order[1])
    page.mouse.click(*middle_of(here, "canvas.map"))
    here.says(z=mean[far].tolist())


def seen_and_rebuilt(here: Explored, image: torch.Tensor, y: int = 0) -> torch.Tensor:
    """The page shows an image (C, H, W), and its reconstruction as a class; its latents."""
    mean = here.subject.encode(image[None], torch.tensor([y]) if here.can.classes else None)[0][0]
    here.shows(here.decoded(mean, y), ".pair figure:last-child canvas")
    assert close(here.tab.levels(".pair figure:first-child canvas"), image[0].numpy().astype(int))
    return mean


@having("Your image")
def test_an_image_of_ones_own(here: Explored) -> None:
    page, images = here.open("yours", y=4), here.material.split.images
    page.set_input_files("#file", {"name": "mine.png", "mimeType": "image/png", "buffer": png(images[5])})
    seen_and_rebuilt(here, images[5], 4)
    for kind, selector, image in (("paste", "body", images[6]), ("drop", ".pad", images[7])):
        give(page, kind, selector, image)
        mean = seen_and_rebuilt(here, image, 4)
    if here.can.scores:
        y = torch.tensor([4]) if here.can.classes else None
        score = float(here.subject.score(images[7:8], y))
        assert here.tab.until(lambda: f": {f'{score:.1f}'.removesuffix('.0')};" in page.inner_text("#view"))
        others = np.frombuffer(here.material.scores(), "<f4")
        assert (
            f"than that of {100 * (others < score).mean():.0f} % of {len(others)} images"
            in page.inner_text("#view")
        )
        assert here.tab.levels(".histogram").any()
    else:
        assert not page.locator(".histogram").is_visible()
    if here.can.classes:
        page.locator("#current select").select_option("9")
        mean = seen_and_rebuilt(here, images[7], 9)
    editor = "Edit its codes" if here.can.grid else "Edit with the sliders"
    here.moves(lambda: here.click(editor))
    here.says(view="codes" if here.can.grid else "sliders", z=mean.tolist())
    here.shows(here.decoded(mean, 9))


@having("Your image")
def test_light_and_dark_exchanged_are_said(here: Explored) -> None:
    """Of an image that is odd as it is and is not when inverted; not of one that is odd both ways. A score tells it."""
    page, images = here.open("yours", y=4), here.material.split.images
    if not here.can.scores:
        page.set_input_files(
            "#file", {"name": "a.png", "mimeType": "image/png", "buffer": png(255 - images[5])}
        )
        seen_and_rebuilt(here, 255 - images[5])
        assert page.inner_text(".yours .faint") == ""
        return
    others = np.frombuffer(here.material.scores(), "<f4")

    def above(image: torch.Tensor) -> float:
        y = torch.tensor([4]) if here.can.classes else None
        return float((others < float(here.subject.score(image[None], y))).mean())

    dark = 255 - next(image for image in images if above(image) < 0.9 and above(255 - image) >= 0.995)
    noise = torch.randint(0, 2, dark.shape, generator=torch.manual_seed(2)).mul(255).to(torch.uint8)
    assert min(above(noise), above(255 - noise)) >= 0.995
    odd, said = "The model finds it odd.", "Not so with light and dark exchanged"
    for image, ends in ((noise, odd), (dark, f"{odd} {said}: press Invert.")):
        page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": png(image)})
        assert here.tab.until(lambda ends=ends: page.inner_text(".yours .faint").endswith(ends))
    here.click("Invert")
    assert here.tab.until(lambda: "odd" not in page.inner_text(".yours .faint"))


@pytest.mark.parametrize(
    "here", [("served", "binary"), ("exported", "binary")], ids=["served", "exported"], indirect=True
)
def test_a_model_of_binary_pixels_sees_a_draw(here: Explored) -> None:
    """A grey picture is shown as the zeros and ones that the model gets of it, always the same."""
    page, image = here.open("yours"), here.material.split.images[5]
    drawn = torch.tensor(fixed_draw(image.flatten().tolist())).view(image.shape)
    assert not torch.equal(drawn.bool(), image > 127)
    page.set_input_files("#file", {"name": "mine.png", "mimeType": "image/png", "buffer": png(image)})
    here.shows(255 * drawn[0].numpy(), ".pair figure:first-child canvas")
    if here.kind == "exported":
        with torch.no_grad():
            mean = here.subject.moments(drawn[None].float())[0][0]
        here.shows(here.decoded(mean), ".pair figure:last-child canvas")


@having("Your image")
def test_the_pen(here: Explored) -> None:
    page = here.open("yours", y=1)
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 10, steps=6)
    page.mouse.up()
    page.wait_for_selector(".buttons button:has-text('Edit'):enabled")

    def seen() -> Any:
        return here.tab.levels(".pair figure:first-child canvas")

    # until the last stroke has arrived: the line is as long below as above
    assert here.tab.until(lambda: seen()[7].any() and close(seen(), seen()[::-1]))
    line = seen()
    assert line[:, 3:5].mean() > 60 and line[:, [0, 1, 6, 7]].max() == 0
    seen_and_rebuilt(here, torch.from_numpy(line.astype(np.uint8))[None], 1)
    here.click("Invert")
    assert here.tab.until(lambda: close(seen(), 255 - line))
    here.click("Clear")
    here.click("Invert")  # of an empty area
    page.wait_for_timeout(300)
    assert close(seen(), 255 - line)
    if here.material.plane is not None:
        here.moves(lambda: here.click("Its place on the map"))
        here.says(view="map")
    else:
        assert page.get_by_role("button", name="Its place on the map").count() == 0


@having("Between")
def test_between(here: Explored) -> None:
    here.open("between")  # from the start to the second image, or to a draw, which the address keeps
    embedding, about = here.material.embedding, here.material.about()
    if embedding is None:
        assert here.tab.until(lambda: "b" in here.address())
        other = [float(v) for v in here.address()["b"].split(",")]
        assert max(np.abs(other)) > 0
    else:
        other = embedding.mean[1].tolist()
    here.shows(here.decoded(about["start"], about["start_class"]), ".ends figure:nth-child(1) canvas")
    here.shows(here.decoded(other, about["start_class"]), ".ends figure:nth-child(2) canvas")
    a, b = here.z(1, 0), here.z(0, 1)
    page = here.open("between", a=a, b=b, path="arc", z=here.z(0.5, -1), y=3)
    angle = np.arccos(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))

    def between(t: float) -> Any:
        arc = (np.sin((1 - t) * angle) * np.array(a) + np.sin(t * angle) * np.array(b)) / np.sin(angle)
        return here.decoded(arc, 3)

    strip, moving = ".view-between > .sheet", ".ends > figure:last-child canvas"
    for tile in (0, 4, 10):
        here.tile(tile, between(tile / 10), strip)
    here.shows(between(0.5), moving)
    page.emulate_media(reduced_motion="no-preference")
    here.click("Play")
    assert here.tab.until(lambda: float(page.input_value(".field.wide input")) < 0.2)  # it begins at A
    here.click("Pause")
    share = page.input_value(".field.wide input")
    here.shows(between(float(share)), moving)
    here.says(share=share)
    assert page.inner_text(".field.wide output") == share
    set_slider(page, ".field.wide input", 0.9)
    here.shows(between(0.9), moving)
    page.locator("#view select").select_option("line")
    here.tile(4, here.decoded(0.6 * np.array(a) + 0.4 * np.array(b), 3), strip)
    here.click("Swap")
    here.shows(here.decoded(b, 3), ".ends figure:first-child canvas")
    here.click_tile(2, strip, 11)
    here.says(z=0.2 * np.array(a) + 0.8 * np.array(b))
    here.shows(here.decoded(0.2 * np.array(a) + 0.8 * np.array(b), 3))
    page.locator(".ends figure:nth-child(2)").get_by_role("button", name="Current").click()
    here.tile(10, here.decoded(0.2 * np.array(a) + 0.8 * np.array(b), 3), strip)


@having("Between", "served")
def test_a_place_left_before_the_second_end_has_come_is_in_the_link(here: Explored) -> None:
    z = here.z(1.5, -1)
    page = here.open("manifold", z=z)
    held = Held(page, "**/codes-*.bin")
    page.click("#tab-between")
    here.moves(lambda: here.click("Reset"))
    assert bool(held.routes) == bool(here.material.about()["points"])
    held.let_go()
    assert here.tab.until(lambda: "a" in here.address())
    here.says(a=z)


@having("Attributes")
def test_attributes(here: Explored) -> None:
    mean, labels = here.material.embedding.mean, here.material.split.labels
    vector, z = (mean[labels == 7].mean(0) - mean[labels == 1].mean(0)).numpy(), np.array(here.z(0.1, 0.2))
    page = here.open("attributes", z=tuple(z), more=7, less=1, y=5)
    after, strip = ".ends figure:last-child canvas", ".view-attributes > .sheet"
    here.shows(here.decoded(z + vector, 5), after)
    here.tile(2, here.decoded(z - vector, 5), strip)
    set_slider(page, ".field.wide input", -2)
    here.shows(here.decoded(z - 2 * vector, 5), after)
    here.says(strength="-2")
    page.locator("#view select").first.select_option("0")
    other = (mean[labels == 0].mean(0) - mean[labels == 1].mean(0)).numpy()
    here.shows(here.decoded(z - 2 * other, 5), after)
    here.click("Keep it")
    here.shows(here.decoded(z - 2 * other, 5))
    here.says(z=z - 2 * other)


@having("Classes")
def test_the_same_hand_across_classes(here: Explored) -> None:
    z = here.z(0.5, 0)
    page = here.open("classes", z=z, y=2)
    here.shows(here.decoded(z, 2))
    for y in range(10):
        here.tile(y, here.decoded(z, y), SHEETS["classes"], 10, 2)
    page.locator(".view-classes .chip").nth(7).click()
    here.shows(here.decoded(z, 7))
    here.says(y=7)
    here.click_tile(4, SHEETS["classes"], 10)
    here.shows(here.decoded(z, 4))
    page.locator("#current select").select_option("0")
    here.shows(here.decoded(z, 0))
    assert page.locator(".view-classes .chip[aria-pressed=true]").all_inner_texts() == ["0"]
    here.click("Undo")
    here.shows(here.decoded(z, 4))


@having("Codes")
def test_codes(here: Explored) -> None:
    """16 cells of 64 codes, 48 of which are on a page."""
    z = [(7 * cell) % 64 for cell in range(16)]
    page, sheet = here.open("codes", z=z), SHEETS["codes"]
    here.shows(here.decoded(z))
    box = page.locator(".overlay").bounding_box()
    page.mouse.click(box["x"] + 10, box["y"] + box["height"] - 10)  # the lower left cell
    assert page.inner_text(".codes p") == "Row 4, column 1: code 20."
    here.says(cell=12)

    def with_code(code: int) -> Any:
        return here.decoded([*z[:12], code, *z[13:]])

    here.tile(3, with_code(3), sheet, 12, 2)
    page.fill("input[type=number]", "0")
    page.keyboard.press("Enter")
    here.shows(with_code(0))
    here.shows(with_code(0), ".under .picture")
    here.click_tile(17, sheet, 12, 4)
    here.shows(with_code(17))
    here.click("Codes after")
    here.tile(3, with_code(51), sheet, 12, 2)
    assert "codes 48 to 63" in page.inner_text("#view")
    assert page.get_by_role("button", name="Codes after").is_disabled()
    here.click_tile(15, sheet, 12, 4)
    here.shows(with_code(63))
    here.click_tile(16, sheet, 12, 4)  # nothing is there
    page.wait_for_selector("#status.error:has-text('0 to 63')")
    page.focus(".overlay")
    page.keyboard.press("-")
    here.shows(with_code(62))
    assert "error" not in page.get_attribute("#status", "class")
    page.keyboard.press("ArrowRight")
    here.says(cell=13)
    here.click("Undo")
    here.shows(with_code(63))
    here.says(z=[*z[:12], 63, *z[13:]])
    page.locator(".overlay").press("ArrowLeft")
    page.wait_for_selector("#view:has-text('codes 48 to 63')")
    page.fill("input[type=number]", "5")
    page.keyboard.press("Enter")  # the codes beside follow
    page.wait_for_selector("#view:has-text('codes 0 to 47')")
    here.click("Undo")
    page.wait_for_selector("#view:has-text('codes 48 to 63')")
    here.click("Codes before")
    page.wait_for_selector("#view:has-text('codes 0 to 47')")
    here.says(page="0")
    here.tab.open(page.evaluate("location.href"))
    page.wait_for_selector("#view:has-text('codes 0 to 47')")
    found = here.moves(lambda: here.click("Random image"))
    assert (here.material.embedding.mean == torch.tensor(found)).all(1).any()
    here.shows(here.decoded(found))


@having("Codes", "served")
def test_draws_of_the_code_prior(here: Explored) -> None:
    page = here.open("codes")
    for label in (3, None):
        page.locator("#current select").select_option("" if label is None else str(label))
        assert here.tab.until(lambda label=label: here.address().get("draw") == (label and str(label)))
        drawn = here.moves(lambda: here.click("Draw from the prior"))
        queries = [url.partition("?")[2] for url in here.tab.asked if "api/sample" in url]
        query = dict(part.split("=") for part in queries[-1].split("&"))
        assert query.get("y") == (None if label is None else str(label))
        y = None if label is None else torch.tensor([label])
        seeded = torch.Generator().manual_seed(int(query["seed"]))
        assert drawn == here.subject.model.latents_of_prior(1, y, 1.0, seeded).flatten().tolist()
        here.shows(here.decoded(drawn))
    assert "draw" not in here.address()
    page.evaluate("location.hash = 'view=codes&draw=7'")
    assert here.tab.until(lambda: page.input_value("#current select") == "7")


@having("Manifold")
def test_manifold(here: Explored) -> None:
    page = here.open("manifold", z=here.z(0.5, -1), y=6)
    order = [d["index"] for d in here.material.dimensions()]
    axes = [0, 1] if here.can.latent == 2 else order[:2]
    corner, beside = np.array(here.z(0.5, -1)), np.array(here.z(0.5, -1))
    corner[axes] = -1.8339, 1.8339  # the normal's quantile at 0.5 / 15: top left
    beside[axes] = -1.2816, 1.8339  # at 1.5 / 15
    here.tile(0, here.decoded(corner, 6), ".sheet.large", 15, 0)
    here.tile(1, here.decoded(beside, 6), ".sheet.large", 15, 0)
    page.locator(".sheet.large").hover(position={"x": 3, "y": 3})
    here.shows(here.decoded(corner, 6))
    page.mouse.move(2, 2)
    here.shows(here.decoded(here.z(0.5, -1), 6))
    here.click_tile(1, ".sheet.large", 15, 15)
    here.says(z=beside)
    page.mouse.move(2, 2)
    here.shows(here.decoded(beside, 6))
    page.focus(".sheet.large")
    moved = here.moves(lambda: page.keyboard.press("ArrowRight"))
    assert moved[axes[1]] == pytest.approx(0, abs=1e-3)  # from the middle of the grid
    if here.can.latent > 2:
        page.locator("#view select").first.select_option(str(order[2]))
        here.says(grid=f"{order[2]},{order[1]}")
        corner = np.array(moved)
        corner[[order[2], order[1]]] = -1.8339, 1.8339
        here.tile(0, here.decoded(corner, 6), ".sheet.large", 15, 0)


@having("About the run")
def test_about(here: Explored) -> None:
    page, told = here.open("about"), here.material.about()
    text = page.inner_text("#view")
    for number in told["numbers"]:
        assert number["label"] in text and number["text"] in text and number["sentence"] in text
    assert told["numbers"] and f"vaekit train {here.subject.run.settings.method} --data digits" in text
    assert page.locator(".chart").count() == len(told["curves"]) > 0
    assert page.locator(".chart polyline").count() >= len(told["curves"])
    changed = {s["name"] for s in told["settings"] if s["changed"]}
    assert changed and changed <= set(text.split())


@having("About the run")
def test_every_picture_can_be_saved(here: Explored) -> None:
    """Small ones are enlarged by a whole factor, so that each pixel is a square."""
    page = here.open(z=here.z(1, 0) if here.can.latent else list(range(16)))
    here.shows(here.decoded(here.z(1, 0) if here.can.latent else list(range(16))))
    for view in [None, *(view for view in views(here) if view in SHEETS)]:
        if view is not None:
            page.click(f"#tab-{view}")
            here.tab.until(lambda view=view: here.tab.levels(SHEETS[view]).any())
        panel = page.locator("#current" if view is None else "#view")
        with page.expect_download() as download:
            panel.get_by_role("button", name="Save PNG").click()
        saved = np.asarray(Image.open(download.value.path()).convert("RGB"))[..., 0].astype(int)
        name = here.subject.run.path.name
        assert download.value.suggested_filename.startswith(f"{name}-") and saved.std() > 1
        shown = here.tab.levels("#picture" if view is None else SHEETS[view])
        factor = len(saved) // len(shown)
        assert min(saved.shape) >= 56 and saved.shape == (factor * shown.shape[0], factor * shown.shape[1])
        assert close(saved[factor // 2 :: factor, factor // 2 :: factor], shown)


@having("About the run")
def test_a_link_brings_it_back(here: Explored) -> None:
    """What was chosen in a view is there again on a fresh page at the same address."""
    page = here.open(views(here)[-2])  # Manifold, or Codes
    z, y = here.z(1.5, -1) if here.can.latent else [63, *range(15)], here.material.about()["start_class"]
    here.open(views(here)[-2], z=z, y=8, cell=0, grid="1,0")
    here.shows(here.decoded(z, 8))
    if here.can.latent:
        page.click("#tab-between")
        here.shows(here.decoded(here.moves(lambda: here.click("Reset")), y))
        here.tile(0, here.decoded(z, y), "#view .sheet")  # the strip stays at A, and takes the class of now
        set_slider(page, ".field.wide input", 0.25)
        here.says(share="0.25")
    else:
        here.shows(here.decoded(here.moves(lambda: page.locator(".overlay").press("-"))))
    link, picture = page.evaluate("location.href"), here.tab.levels()
    seen = {s: here.tab.levels(s) for s in ("#view .sheet", "#view .picture")}
    here.tab.open(link)
    here.shown.clear()  # a fresh page has shown nothing yet
    here.shows(picture)
    for selector, levels in seen.items():
        here.shows(levels, selector)
    if here.can.latent:
        assert page.input_value(".field.wide input") == "0.25"
        here.shows(here.decoded(z, y), "#view .ends canvas")
    else:
        assert "codes 48 to 63" in page.inner_text("#view") and "code 62" in page.inner_text("#view")


NONSENSE = [
    "view=none&z=1&y=99", "z=a,b,c&y=-1", "z=1e9,0,0", "view=map&map=0,0,0&axes=9,9&hide=x", "z=NaN,0,0&y=1.5",
    "view=codes&cell=-3&z=" + ",".join(["64"] * 16), "view=codes&cell=1.5&draw=77&page=2", "view=between&a=1e9,0,0&b=,&share=7",
    "view=attributes&more=77&less=x&strength=99", "view=manifold&grid=0,7", "view=classes&y=10",
]  # fmt: skip


@having("About the run", "served")
def test_addresses_that_mean_nothing(here: Explored) -> None:
    start, y = here.material.about()["start"], here.material.about()["start_class"]
    here.open()
    for text in NONSENSE:
        here.page.evaluate(f"location.hash = {text!r}")
        here.page.wait_for_function("document.querySelector('#view').childElementCount > 0")
        assert "undefined" not in here.page.inner_text("body") and "NaN" not in here.page.inner_text("body")
    here.tab.open(f"{here.url}#{NONSENSE[0]}")
    here.shows(here.decoded(start, y))


@having("About the run", "served")
def test_tabs_by_keyboard_and_history(here: Explored) -> None:
    names = views(here)
    page = here.open(names[0])
    page.focus(f"#tab-{names[0]}")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute(f"#tab-{names[1]}", "aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#tab-about", "aria-selected") == "true"
    assert page.evaluate("document.activeElement.id") == "tab-about"
    page.go_back()
    page.wait_for_selector(f"#tab-{names[0]}[aria-selected=true]")


@having("About the run", "served")
def test_the_way_past_the_head_leads_to_the_views(here: Explored) -> None:
    z = here.z(1.5, -1) if here.can.latent else list(range(16))
    page = here.open(views(here)[0], z=z)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "views"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == f"tab-{views(here)[0]}"
    page.wait_for_timeout(300)
    here.says(view=views(here)[0], z=z)


OUTSIDE = """() => [...document.querySelectorAll('body *')].filter((e) => {
  const box = e.getBoundingClientRect();
  const scrolled = e.closest('#views, .scroll, .skip');
  return !scrolled && box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
}).map((e) => e.outerHTML.slice(0, 90))"""


@having("About the run", "served")
def test_a_phones_width(here: Explored) -> None:
    page = here.tab.open(here.url, 390, 800)
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        for view in views(here):
            page.click(f"#tab-{view}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view
            assert page.evaluate(OUTSIDE) == [], view


def test_an_error_is_a_line_on_the_page(tab: Tab, served, browser) -> None:
    page = tab.open(served["vae"] + "#view=yours")
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": b"no image"})
    page.wait_for_selector("#status.error:has-text('cannot be read as an image')")
    assert any("422" in line for line in tab.wrong)  # the browser's own line on the answer
    tab.wrong.clear()
    page.click("#tab-sliders")
    page.get_by_role("button", name="Draw from the prior").click()
    page.wait_for_selector("#status:not(.error)", state="attached")
