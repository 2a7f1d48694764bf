"""A page of the browser, for the tests of the explorer."""

from __future__ import annotations

from typing import Any

PIXELS = """selector => {
  const canvas = document.querySelector(selector);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  return [...data].filter((_, i) => i % 4 === 0);
}"""


class Tab:
    """A page of the browser that keeps what went wrong: messages on the console, requests elsewhere."""

    def __init__(self, browser: Any, width: int = 1200, height: int = 900) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, url: str, state: str = "") -> Any:
        self.page.goto("about:blank")
        self.page.goto(f"{url}#{state}")
        self.page.wait_for_selector("html[data-ready=yes]", timeout=20_000)
        return self.page

    def check(self) -> None:
        """Nothing on the console, no error on the page, nothing loaded from elsewhere."""
        assert self.wrong == [], self.wrong
        assert all(url.startswith(("http://127.0.0.1:", "blob:", "about:")) for url in self.asked)
        assert "error" not in (self.page.get_attribute("#status", "class") or "")

    def levels(self, selector: str = "#picture") -> list[int]:
        """The red levels of a canvas."""
        return self.page.evaluate(PIXELS, selector)
