"""How fast is the explorer? Slider to picture, frames of the map, time until it can be used, bytes.

    python benchmarks/explorer.py RUN

RUN is a run of MNIST (`vaekit train vae --data mnist --epochs 2`). Needs chromium and playwright. Both
pages are measured: served by vaekit, and exported and served by `python -m http.server`. The clock is the
page's own: from the slider's event to the moment after the pixels were put on the canvas.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

SLIDER = """async (count) => {
  const picture = document.querySelector('#picture');
  const input = document.querySelector('.slider input');
  const times = [];
  for (let k = 0; k < count; k++) {
    await new Promise((done) => setTimeout(done, 30));
    const drawn = new Promise((done) => {
      const seen = new MutationObserver(() => (seen.disconnect(), done(performance.now())));
      seen.observe(picture, { attributes: true, attributeFilter: ['data-drawn'] });
    });
    input.value = String(-2.5 + 5 * ((k * 37) % count) / count);
    const start = performance.now();
    input.dispatchEvent(new Event('input', { bubbles: true }));
    times.push((await drawn) - start);
  }
  return times;
}"""
FRAMES = """async (kind) => {
  const map = document.querySelector('canvas.map');
  const box = map.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const send = (type, dx, more = {}) => map.dispatchEvent(new PointerEvent(type,
    { pointerId: 1, pointerType: 'mouse', clientX: x + dx, clientY: y, bubbles: true, ...more }));
  map.setPointerCapture = () => {};
  if (kind === 'pan') send('pointerdown', 0);
  const stamps = [];
  for (let k = 0; k < 180; k++) {
    await new Promise((done) => requestAnimationFrame(done));
    stamps.push(performance.now());
    if (kind === 'pan') send('pointermove', 80 * Math.sin(k / 12));
    else map.dispatchEvent(new WheelEvent('wheel', { deltaY: k % 60 < 30 ? -40 : 40, clientX: x, clientY: y, cancelable: true }));
  }
  if (kind === 'pan') { send('pointermove', 0); send('pointerup', 9); }
  return 1000 * (stamps.length - 1) / (stamps.at(-1) - stamps[0]);
}"""


def measure(browser: Any, url: str) -> dict[str, float]:
    """The figures of one page, in a fresh profile."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    received = []
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    start = time.perf_counter()
    page.goto(f"{url}#view=map")
    page.wait_for_selector("html[data-ready=yes]")
    page.wait_for_selector(".legend .chip")
    usable = time.perf_counter() - start
    page.wait_for_timeout(500)
    transferred = sum(received)
    pan, zoom = page.evaluate(FRAMES, "pan"), page.evaluate(FRAMES, "zoom")
    page.click("#tab-sliders")
    page.wait_for_timeout(1500)
    page.evaluate(SLIDER, 20)
    times = sorted(page.evaluate(SLIDER, 200))
    context.close()
    return {
        "slider_to_picture_ms_median": round(statistics.median(times), 2),
        "slider_to_picture_ms_95": round(times[189], 2),
        "pan_frames_a_second": round(pan, 1),
        "zoom_frames_a_second": round(zoom, 1),
        "usable_seconds": round(usable, 2),
        "transferred_bytes": int(transferred),
    }


def wait_for(url: str, seconds: float = 120) -> None:
    """Until something answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url).close()
            return
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    found = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        out = Path(folder) / "web"
        vaekit = [sys.executable, "-m", "vaekit"]
        subprocess.run([*vaekit, "export", str(run), "--format", "web", "--out", str(out)], check=True)
        servers = {
            "server": ([*vaekit, "explore", str(run), "--no-browser", "--port", "8791"], 8791),
            "export": (
                [sys.executable, "-m", "http.server", "8792", "--bind", "127.0.0.1", "-d", str(out)],
                8792,
            ),
        }
        for name, (words, port) in servers.items():
            process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
            try:
                wait_for(f"http://127.0.0.1:{port}/")
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                found[name] = measure(browser, f"http://127.0.0.1:{port}/")
                browser.close()
            finally:
                process.terminate()
                process.wait()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
