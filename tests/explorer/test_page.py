"""The page in chromium: every view, served by vaekit and as an exported folder. Expectations come from the
model or from the files, never from the page.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from explorer_tab import Tab

KINDS = ["served", "exported"]


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest) -> dict[str, str]:
    """Addresses by run: of the server, and of the exported pages."""
    return request.getfixturevalue(request.param)


def decoded(material: Any, z: Any, y: int | None = None) -> list[int]:
    """The levels that the model itself gives for a code."""
    codes = torch.tensor([[float(v) for v in z]])
    classes = None if y is None else torch.tensor([y])
    return material.subject.decode(codes, classes).flatten().tolist()


def close(found: list[int], expected: list[int]) -> bool:
    """Equal but for rounding between two levels."""
    return len(found) == len(expected) and max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= 1


def shows(tab: Any, expected: list[int], selector: str = "#picture") -> bool:
    """Waits until a canvas shows these levels."""
    for _ in range(60):
        if close(tab.levels(selector), expected):
            return True
        tab.page.wait_for_timeout(50)
    return False


def state(page: Any) -> dict[str, str]:
    """The address, once it is written."""
    page.wait_for_timeout(350)
    return dict(part.split("=", 1) for part in page.evaluate("location.hash.slice(1)").split("&"))


def set_slider(page: Any, selector: str, value: float) -> None:
    page.eval_on_selector(
        selector,
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }",
        str(value),
    )


def test_sliders(tab, site, materials) -> None:
    page = tab.open(site["vae"], "view=sliders&z=0.5,-1,0.25")
    assert shows(tab, decoded(materials["vae"], (0.5, -1, 0.25)))
    set_slider(page, "#z1", 2.0)
    assert shows(tab, decoded(materials["vae"], (0.5, 2, 0.25)))
    assert state(page)["z"] == "0.5,2,0.25"
    order = page.eval_on_selector_all(".slider input", "all => all.map((e) => Number(e.id.slice(1)))")
    relevance = materials["vae"].codes.relevance()
    assert order == torch.argsort(relevance, descending=True).tolist()
    page.get_by_role("button", name="Reset").click()
    assert shows(tab, decoded(materials["vae"], materials["vae"].codes.mean[0]))
    page.get_by_role("button", name="Undo").click()
    assert shows(tab, decoded(materials["vae"], (0.5, 2, 0.25)))
    tab.check()


def test_strips_move_one_dimension(tab, site, materials) -> None:
    page = tab.open(site["vae"], "view=sliders&z=0.5,-1,0.25")
    first = int(page.get_attribute(".slider input", "id")[1:])
    for tile in (0, 8):
        z = [0.5, -1, 0.25]
        z[first] = -3 + 6 * tile / 8
        expected = np.array(decoded(materials["vae"], z)).reshape(8, 8)
        for _ in range(40):
            strip = np.array(tab.levels(".slider .sheet")).reshape(8, -1)[:, 9 * tile : 9 * tile + 8]
            if np.abs(strip - expected).max() <= 1:
                break
            page.wait_for_timeout(50)
        assert np.abs(strip - expected).max() <= 1
    tab.check()


def test_dead_dimensions(tab, served, materials) -> None:
    """A model that has hardly begun: its code says nothing, and the page says so."""
    assert float(materials["collapsed"].codes.relevance().max()) < 0.01
    page = tab.open(served["collapsed"], "view=sliders")
    assert "Every dimension is dead" in page.inner_text("#view")
    assert page.locator(".slider:visible").count() == 3
    tab.check()


def test_keys_move_a_slider_and_undo(tab, served, materials) -> None:
    page = tab.open(served["vae"], "view=sliders&z=0,0,0")
    page.focus("#z0")
    page.keyboard.press("ArrowRight")
    assert shows(tab, decoded(materials["vae"], (0.1, 0, 0)))
    page.keyboard.press("Control+z")
    assert shows(tab, decoded(materials["vae"], (0, 0, 0)))
    tab.check()


def test_map(tab, site, materials) -> None:
    material = materials["vae"]
    page = tab.open(site["vae"], "view=map")
    page.wait_for_selector(".legend .chip")
    page.wait_for_timeout(200)
    box = page.locator("canvas.map").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.wait_for_timeout(300)
    page.mouse.click(*middle)
    page.wait_for_timeout(300)
    z = np.array([float(v) for v in state(page)["z"].split(",")])
    assert shows(tab, decoded(material, z))
    # the place that was clicked is the middle of the square around nearly all points
    points = material.plane["points"].numpy()
    low, high = np.quantile(points, [0.002, 0.998], axis=0)
    directions = np.array(material.plane["directions"])
    assert directions @ z == pytest.approx((low + high) / 2, abs=0.25)
    before = state(page).get("map")
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(200)
    page.mouse.down()
    page.mouse.move(middle[0] + 90, middle[1] + 30, steps=4)
    page.mouse.up()
    assert state(page)["map"] != before
    page.locator(".legend .chip").first.click()
    assert state(page)["hide"] == "0"
    page.focus("canvas.map")
    page.keyboard.press("ArrowUp")
    assert state(page)["z"].split(",") != [f"{v:g}" for v in z]
    page.select_option("select >> nth=0", "axes")
    page.wait_for_timeout(300)
    assert len(state(page)["axes"].split(",")) == 2
    tab.check()


def test_a_point_of_the_map_is_its_image(tab, site, materials) -> None:
    """The map is zoomed onto one image; a click on the middle goes to its very code."""
    points = materials["vae"].plane["points"]
    far = int(points.norm(dim=1).argmax())
    x, y = points[far].tolist()
    page = tab.open(site["vae"], f"view=map&map={x:.5f},{y:.5f},0.05")
    page.wait_for_selector(".legend .chip")
    page.wait_for_timeout(200)
    box = page.locator("canvas.map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".tip:not([hidden])")
    page.wait_for_timeout(200)
    assert tab.levels(".tip canvas") == materials["vae"].split.images[far].flatten().tolist()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(200)
    z = [float(v) for v in state(page)["z"].split(",")]
    assert z == pytest.approx(materials["vae"].codes.mean[far].tolist(), abs=1e-4)
    tab.check()


def test_an_image_of_ones_own(tab, site, materials) -> None:
    material = materials["vae"]
    page = tab.open(site["vae"], "view=yours")
    image = material.split.images[5]
    content = io.BytesIO()
    Image.fromarray(image[0].numpy()).save(content, "PNG")
    page.set_input_files("#file", {"name": "mine.png", "mimeType": "image/png", "buffer": content.getvalue()})
    page.wait_for_selector(".histogram:not([hidden])")
    assert shows(tab, image.flatten().tolist(), ".pair figure:first-child canvas")
    mean, _ = material.subject.encode(image[None])
    assert shows(tab, decoded(material, mean[0]), ".pair figure:last-child canvas")
    score = float(material.subject.score(image[None]))
    assert f"{score:.1f}".rstrip("0").rstrip(".") in page.inner_text(".view-yours")
    page.get_by_role("button", name="Edit with the sliders").click()
    assert [float(v) for v in state(page)["z"].split(",")] == pytest.approx(mean[0].tolist(), abs=2e-4)
    tab.check()


def test_the_pen(tab, site) -> None:
    page = tab.open(site["vae"], "view=yours")
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 10, steps=8)
    page.mouse.up()
    page.wait_for_selector(".histogram:not([hidden])")
    page.wait_for_timeout(300)
    seen = np.array(tab.levels(".pair figure:first-child canvas")).reshape(8, 8)
    assert seen[:, 3:5].mean() > 60 and seen[:, [0, 1, 6, 7]].max() == 0
    tab.check()


def test_between(tab, site, materials) -> None:
    material = materials["vae"]
    page = tab.open(site["vae"], "view=between&a=1,0,0&b=0,1,0&path=arc&z=0,0,0")
    page.wait_for_timeout(400)
    strip = np.array(tab.levels(".view-between > .sheet")).reshape(8, -1)
    half = np.sqrt(0.5)
    for tile, z in ((0, (1, 0, 0)), (5, (half, half, 0)), (10, (0, 1, 0))):
        expected = np.array(decoded(material, z)).reshape(8, 8)
        assert np.abs(strip[:, 9 * tile : 9 * tile + 8] - expected).max() <= 1
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Swap").click()
    assert shows(tab, decoded(material, (0, 1, 0)), ".ends figure:first-child canvas")
    tab.check()


def test_attributes(tab, site, materials) -> None:
    material = materials["vae"]
    page = tab.open(site["vae"], "view=attributes&z=0.1,0.2,0.3&more=7&less=1")
    mean, labels = material.codes.mean, material.split.labels
    vector = mean[labels == 7].mean(0) - mean[labels == 1].mean(0)
    z = torch.tensor([0.1, 0.2, 0.3])
    assert shows(tab, decoded(material, z + vector), ".ends figure:last-child canvas")
    set_slider(page, ".field.wide input", -0.5)
    assert shows(tab, decoded(material, z - 0.5 * vector), ".ends figure:last-child canvas")
    page.get_by_role("button", name="Keep it").click()
    assert shows(tab, decoded(material, z - 0.5 * vector))
    tab.check()


@pytest.mark.parametrize("name", ["vae", "gan"])
def test_manifold(tab, site, materials, name: str) -> None:
    material = materials[name]
    page = tab.open(site[name], "view=manifold")
    dimensions = (
        [d["index"] for d in material.dimensions()[:2]] if material.subject.can.latent > 2 else [0, 1]
    )
    z = np.array(material.about()["start"])
    z[dimensions] = -1.8339, 1.8339  # the normal's quantile at 0.5 / 15: top left
    sheet = [v for row in np.array(decoded(material, z)).reshape(8, 8) for v in row]
    for _ in range(60):
        found = np.array(tab.levels(".sheet.large")).reshape(120, 120)[:8, :8].flatten().tolist()
        if close(found, sheet):
            break
        page.wait_for_timeout(50)
    assert close(found, sheet)
    page.locator(".sheet.large").click(position={"x": 3, "y": 3})
    assert shows(tab, sheet)
    tab.check()


def test_about(tab, site, materials) -> None:
    page = tab.open(site["vae"], "view=about")
    text = page.inner_text("#view")
    for number in materials["vae"].about()["numbers"]:
        assert number["label"] in text and number["text"] in text and number["sentence"] in text
    assert "vaekit train vae --data digits" in text
    assert page.locator(".chart svg polyline").count() >= 4
    tab.check()


def test_the_same_hand_across_classes(tab, site, materials) -> None:
    material = materials["cvae"]
    page = tab.open(site["cvae"], "view=classes&z=0.5,0,-0.5&y=2")
    assert shows(tab, decoded(material, (0.5, 0, -0.5), 2))
    page.locator(".view-classes .chip").nth(7).click()
    assert shows(tab, decoded(material, (0.5, 0, -0.5), 7))
    assert state(page)["y"] == "7"
    strip = np.array(tab.levels(".view-classes > .sheet")).reshape(8, -1)
    expected = np.array(decoded(material, (0.5, 0, -0.5), 4)).reshape(8, 8)
    assert np.abs(strip[:, 40:48] - expected).max() <= 1
    page.get_by_role("tab", name="Your image").click()
    page.locator(".pad").click()
    page.wait_for_selector(".histogram:not([hidden])")
    tab.check()


def test_codes(tab, served, materials) -> None:
    material = materials["vqvae"]
    z = [code % 16 for code in range(16)]
    page = tab.open(served["vqvae"], "view=codes&z=" + ",".join(map(str, z)))
    assert shows(tab, decoded(material, z))
    box = page.locator(".overlay").bounding_box()
    page.mouse.click(box["x"] + 10, box["y"] + box["height"] - 10)  # the lower left cell
    page.fill("input[type=number]", "0")
    page.keyboard.press("Enter")
    z[12] = 0
    assert shows(tab, decoded(material, z))
    page.wait_for_timeout(200)
    sheet = page.locator(".view-codes > .sheet").bounding_box()
    page.mouse.click(sheet["x"] + 5, sheet["y"] + sheet["height"] - 5)  # second row of twelve: code 12
    z[12] = 12
    assert shows(tab, decoded(material, z))
    page.get_by_role("button", name="Draw from the prior").click()
    page.wait_for_selector("#status:has-text('fitted prior')")
    drawn = [float(v) for v in state(page)["z"].split(",")]
    assert drawn != z and shows(tab, decoded(material, drawn))
    page.get_by_role("tab", name="Your image").click()
    page.wait_for_selector(".pad")
    assert page.locator("[role=tab]").count() == 3
    tab.check()


def test_a_generator_has_no_map_and_no_images(tab, site) -> None:
    page = tab.open(site["gan"])
    names = page.locator("[role=tab]").all_inner_texts()
    assert names == ["Sliders", "Between", "Manifold", "About the run"]
    page.get_by_role("button", name="Draw from the prior").click()
    page.wait_for_timeout(200)
    tab.check()


def test_saving(tab, site, materials) -> None:
    page = tab.open(site["vae"], "view=sliders&z=1,1,1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").first.click()
    saved = np.asarray(Image.open(download.value.path()).convert("L"))
    expected = np.array(decoded(materials["vae"], (1, 1, 1))).reshape(8, 8)
    assert saved.shape[0] >= 224 and close(
        saved[14::28, 14::28].flatten().tolist(), expected.flatten().tolist()
    )


def test_tabs_by_keyboard_and_history(tab, served) -> None:
    page = tab.open(served["vae"], "view=map")
    page.focus("#tab-map")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-sliders", "aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#tab-about", "aria-selected") == "true"
    page.go_back()
    page.wait_for_selector("#tab-map[aria-selected=true]")
    page.wait_for_timeout(100)
    tab.check()


@pytest.mark.parametrize("view", ["map", "sliders", "yours", "between", "attributes", "manifold", "about"])
def test_a_phones_width(browser, served, view: str) -> None:
    tab = Tab(browser, 390, 800)
    page = tab.open(served["vae"], f"view={view}")
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tab.check()
    tab.context.close()


def test_an_error_is_a_line_on_the_page(tab, served) -> None:
    page = tab.open(served["vae"], "view=yours")
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": b"no image"})
    page.wait_for_selector("#status.error")
    assert "image" in page.inner_text("#status")
    page.get_by_role("tab", name="Sliders").click()
    page.get_by_role("button", name="Draw from the prior").click()
    page.wait_for_timeout(200)
