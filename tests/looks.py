"""What a reader with eyes would fault on a page: text too pale, things wider than the window, pictures without words."""

from __future__ import annotations

from typing import Any

LEAST = 4.5  # contrast of text with what is behind it (WCAG 2, AA)

PALE = """(least) => {
  const numbers = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (top, under) => under.map((v, i) => top[3] * top[i] + (1 - top[3]) * v);
  const rgba = (text) => { const [r, g, b, a = 1] = numbers(text); return [r, g, b, a]; };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), rgba(getComputedStyle(document.body).backgroundColor).slice(0, 3));
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest(':disabled')) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    let ink = rgba(element instanceof SVGElement ? style.fill : style.color);
    for (let at = element; at; at = at.parentElement) ink[3] *= Number(getComputedStyle(at).opacity);
    const [a, b] = [light(over(ink, ground)), light(ground)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < least) found.push(`${walker.currentNode.data.trim().slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return found;
}"""

WIDE = """() => {
  const scrolls = (element) => {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement)
      if (getComputedStyle(at).overflowX !== 'visible') return true;
    return false;
  };
  const found = [...document.body.querySelectorAll('*')].filter((element) => element.checkVisibility()
    && element.getBoundingClientRect().right > innerWidth + 0.5 && !element.closest('.skip') && !scrolls(element));
  if (document.documentElement.scrollWidth > innerWidth) found.push(document.documentElement);
  return found.map((element) => `${element.tagName} ${element.className} ${element.textContent.slice(0, 30)}`);
}"""

NAMELESS = """() => [
  ...[...document.querySelectorAll('img')].filter((e) => !e.alt.trim()),
  ...[...document.querySelectorAll('svg, canvas, [role=region]')].filter((e) => e.checkVisibility()
    && !e.getAttribute('aria-label') && !e.closest('[aria-hidden=true]')),
  ...[...document.querySelectorAll('button, select, input, [role=tab]')].filter((e) => e.checkVisibility()
    && !e.textContent.trim() && !e.getAttribute('aria-label') && !(e.labels?.[0]?.textContent.trim())),
].map((e) => e.outerHTML.slice(0, 80))"""

SMALL = """() => [...document.querySelectorAll('.sheet.labelled img')].filter((image) =>
  image.getBoundingClientRect().width < 0.79 * parseFloat(image.style.getPropertyValue('--natural')))
  .map((image) => image.alt)"""


def faults(page: Any) -> dict[str, list[str]]:
    """Kind -> what shows it, of the page as it is now."""
    kinds = {
        "pale": (PALE, LEAST),
        "wide": (WIDE, None),
        "nameless": (NAMELESS, None),
        "small": (SMALL, None),
    }
    found = {kind: page.evaluate(*asked) for kind, asked in kinds.items()}
    return {kind: lines for kind, lines in found.items() if lines}
