"""A page of the browser, for the tests of the explorer."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

PATIENCE = 60  # seconds; a machine may have other things to do
LEVELS = """([selector, channel]) => {
  const canvas = document.querySelector(selector);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let text = '';
  for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(data[i + channel]);
  return [canvas.width, btoa(text)];
}"""

GIVE = """([kind, selector, content]) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], 'mine.png', { type: 'image/png' }));
  const options = { bubbles: true, cancelable: true };
  document.querySelector(selector).dispatchEvent(kind === 'paste'
    ? new ClipboardEvent('paste', { ...options, clipboardData: given })
    : new DragEvent('drop', { ...options, dataTransfer: given }));
}"""


# The page's draws, in place of Math.random: the same at every test, whose two pictures could be alike by chance otherwise.
DRAWS = """{
  let state = 1;
  Math.random = () => (state = (16807 * state) % 2147483647) / 2147483647;
}"""


class Tab:
    """A page of the browser that keeps what went wrong, and what was asked of whom."""

    def __init__(self, browser: Any) -> None:
        self.context = browser.new_context(accept_downloads=True)
        self.context.add_init_script(DRAWS)
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.url = ""
        self.page.on("console", lambda message: self.wrong.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, url: str, width: int = 1200, height: int = 900) -> Any:
        """A fresh page, ready. Nothing may have gone wrong on the one before."""
        if self.url:
            self.check()
        self.page.set_viewport_size({"width": width, "height": height})
        self.forget()
        self.url = url.partition("#")[0]
        self.page.goto(url)
        self.page.wait_for_selector("html[data-ready=yes]")
        return self.page

    def forget(self) -> None:
        """Leaves the page, and what was noted of it."""
        self.page.goto("about:blank")
        self.wrong.clear()
        self.asked.clear()
        self.url = ""

    def check(self) -> None:
        """Nothing on the console, no error on the page, nothing loaded from elsewhere."""
        assert self.wrong == [], self.wrong
        assert [url for url in self.asked if not url.startswith((self.url, "blob:"))] == []
        assert self.page.evaluate("document.querySelector('#status.error')?.textContent") is None

    def levels(self, selector: str = "#picture", channel: int = 0) -> NDArray[Any]:
        """The red (or another channel's) levels of a canvas, (H, W)."""
        width, levels = self.page.evaluate(LEVELS, [selector, channel])
        return np.frombuffer(base64.b64decode(levels), np.uint8).reshape(-1, width).astype(int)

    def until(self, done: Callable[[], bool]) -> bool:
        """Waits until something holds."""
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                return False
            self.page.wait_for_timeout(15)
        return True


class Held:
    """The requests that come from now on, held back until they are let go; later ones pass.

    The route stays until the test's end: a request that comes while one is taken away may get no answer at all
    from the browser's side of the tests.
    """

    def __init__(self, page: Any, pattern: str) -> None:
        self.routes: list[Any] = []
        self.open = False
        page.route(pattern, self._come)

    def _come(self, route: Any) -> None:
        if self.open:
            route.continue_()
        else:
            self.routes.append(route)

    def let_go(self) -> None:
        """Answers them all."""
        self.open = True
        for route in self.routes:
            route.continue_()
            route.request.response().finished()


class Explored:
    """The page of a run, beside the run's own model: expectations never come from the page.

    Attributes:
        kind: `served` by vaekit, or `exported`.
    """

    def __init__(self, tab: Tab, url: str, material: Any, kind: str) -> None:
        self.tab, self.url, self.material, self.kind = tab, url, material, kind
        self.subject, self.can = material.subject, material.subject.can
        self.page = tab.page
        self.shown: dict[str, NDArray[Any]] = {}

    def open(self, view: str = "", **options: object) -> Any:
        """The page at an address; sequences become numbers with commas."""
        texts = {
            key: ",".join(f"{float(v):.6g}" for v in value) if isinstance(value, tuple | list) else str(value)
            for key, value in options.items()
        }
        self.shown.clear()
        return self.tab.open(
            f"{self.url}#" + "&".join(f"{k}={v}" for k, v in {"view": view, **texts}.items())
        )

    def z(self, *values: float) -> list[float]:
        """A code that begins so."""
        return [*values, *[0.25] * self.can.length][: self.can.length]

    def decoded(self, z: Any, y: int = 0) -> NDArray[Any]:
        """The levels (H, W) that the model itself gives for a code."""
        codes = torch.as_tensor(z, dtype=torch.float32)[None]
        classes = torch.tensor([y]) if self.can.classes else None
        return self.subject.decode(codes, classes)[0, 0].numpy().astype(int)

    def shows(
        self, expected: NDArray[Any], selector: str = "#picture", row: int = 0, column: int = 0
    ) -> None:
        """Waits until (part of) a canvas has these levels, but for rounding between two.

        They must differ from those that it was found to have the last time: a check of a picture
        that never changes says nothing.
        """
        place = f"{selector} {row} {column}"
        before = self.shown.get(place)
        assert before is None or not close(before, expected), "nothing was to change"
        self.shown[place] = expected
        height, width = expected.shape

        def found() -> NDArray[Any]:
            return self.tab.levels(selector)[row : row + height, column : column + width]

        assert self.tab.until(lambda: close(found(), expected)), (found(), expected)

    def tile(
        self, number: int, expected: NDArray[Any], selector: str, columns: int = 99, gap: int = 1
    ) -> None:
        """`shows`, of a picture on a sheet."""
        height, width = expected.shape
        row, column = divmod(number, columns)
        self.shows(expected, selector, row * (height + gap), column * (width + gap))

    def click_tile(self, number: int, selector: str, columns: int, rows: int = 1) -> None:
        """A click on the middle of a picture of a sheet."""
        box = self.page.locator(selector).first.bounding_box()
        row, column = divmod(number, columns)
        x, y = (column + 0.5) * box["width"] / columns, (row + 0.5) * box["height"] / rows
        self.page.locator(selector).first.click(position={"x": x, "y": y})

    def click(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).first.click()

    def address(self) -> dict[str, str]:
        """What the address says now; it is written a moment after a change."""
        return dict(part.split("=", 1) for part in self.page.evaluate("location.hash.slice(1)").split("&"))

    def code(self) -> list[float]:
        return [float(v) for v in self.address()["z"].split(",")]

    def says(self, **options: object) -> None:
        """Waits until the address has these, numbers to three digits."""

        def there() -> bool:
            found = self.address()
            return all(key in found and same(found[key], value) for key, value in options.items())

        assert self.tab.until(there), (self.address(), options)

    def moves(self, act: Callable[[], object], key: str = "z") -> list[float]:
        """Numbers of the address once an action has changed them."""
        before = self.address().get(key)
        act()
        assert self.tab.until(lambda: self.address().get(key) != before), f"{key} stays at {before}"
        return [float(v) for v in self.address()[key].split(",")]


def same(found: str, expected: object) -> bool:
    if isinstance(expected, str | int):
        return found == str(expected)
    numbers = [float(v) for v in found.split(",")]
    return len(numbers) == len(list(expected)) and np.allclose(numbers, list(expected), atol=2e-3)  # type: ignore[call-overload]


def close(found: NDArray[Any], expected: NDArray[Any]) -> bool:
    """Equal but for rounding between two levels."""
    return found.shape == expected.shape and np.abs(found - expected).max() <= 1


def set_slider(page: Any, selector: str, value: float) -> None:
    page.eval_on_selector(
        selector,
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }",
        str(value),
    )


def png(image: torch.Tensor) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image[0].numpy()).save(content, "PNG")
    return content.getvalue()


def give(page: Any, kind: str, selector: str, image: torch.Tensor) -> None:
    """Pastes an image into an element, or drops it there."""
    page.evaluate(GIVE, [kind, selector, base64.b64encode(png(image)).decode()])
