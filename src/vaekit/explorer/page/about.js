// @ts-check
// About the run: what it is, its figures with a sentence each, curves, settings.
import { h, number } from "./dom.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [360, 190, 56, 26]; // of a chart
const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, string>} */
const COLOURS = { train: "var(--train)", validation: "var(--validation)", test: "var(--test)" };

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Where points (step, value) lie in a chart, and the range that it shows.
 * @param {number[][]} points
 */
function scaleOf(points) {
  const last = Math.max(...points.map(([x]) => x));
  // the first steps are far off: the range is that of all but the first twentieth
  const values = points.filter(([x]) => x > 0.05 * last).map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  const [bottom, top] = [low - pad, high + pad];
  const place = (/** @type {number[]} */ [x, value]) => [
    LEFT + ((WIDTH - LEFT - 8) * x) / last,
    Math.max(4, HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 8) * (value - bottom)) / (top - bottom)),
  ];
  return { place, low, high, last };
}

/** A line chart of one quantity over the steps, one line per split. @param {import("./types").Curve} curve */
function chart({ name, splits }) {
  const { place, low, high, last } = scaleOf(Object.values(splits).flat());
  const lines = Object.entries(splits).filter(([, line]) => line.length > 1).map(([split, line]) => svg("polyline", {
    points: line.map((point) => place(point).map((v) => v.toFixed(1)).join(",")).join(" "),
    fill: "none", stroke: COLOURS[split] ?? "var(--ink)", "stroke-width": 1.6, "stroke-linejoin": "round",
  }));
  const text = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ content, /** @type {string} */ anchor) =>
    svg("text", { x, y, "text-anchor": anchor, class: "tick" }, content);
  const digits = high - low >= 10 ? 0 : high - low >= 0.1 ? 2 : 4;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name} from ${number(high, 4)} to ${number(low, 4)}` },
    svg("path", { d: `M${LEFT} 4V${HEIGHT - BOTTOM}H${WIDTH - 4}`, class: "axis" }),
    text(LEFT - 6, HEIGHT - BOTTOM - 2, number(low, digits), "end"), text(LEFT - 6, 14, number(high, digits), "end"),
    text(LEFT, HEIGHT - 8, "0", "middle"), text(WIDTH - 8, HEIGHT - 8, `step ${last.toLocaleString("en")}`, "end"), ...lines);
  const legend = Object.keys(splits).map((split) => h("span", { class: `key ${split}` }, split));
  return h("figure", { class: "chart" }, h("figcaption", {}, h("b", {}, name), legend), picture);
}

/** @param {import("./app.js").App} app @param {HTMLElement} panel */
function open({ about }, panel) {
  const rows = about.numbers.map(({ label, unit, text, sentence }) => h("tr", {},
    h("th", { scope: "row" }, label, unit ? h("span", { class: "faint" }, ` ${unit}`) : ""), h("td", { class: "number" }, text), h("td", {}, sentence)));
  const changed = (/** @type {boolean} */ only) => about.settings.filter((setting) => !only || setting.changed).map(({ name, value }) =>
    h("tr", {}, h("th", { scope: "row" }, h("code", {}, name)), h("td", {}, h("code", {}, value))));
  const own = changed(true);
  panel.append(
    h("h2", {}, "What it is"), ...about.summary.map((line) => h("p", {}, line)),
    rows.length ? h("h2", {}, "Figures") : "", rows.length ? h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, rows))) : "",
    about.curves.length ? h("h2", {}, "Curves") : "", h("div", { class: "charts" }, about.curves.map(chart)),
    h("h2", {}, "Settings"),
    own.length ? h("table", {}, h("tbody", {}, own)) : h("p", {}, "All as by default."),
    h("details", {}, h("summary", {}, "All settings"), h("table", {}, h("tbody", {}, changed(false)))),
    h("p", { class: "faint" }, "To train it again:"), h("pre", {}, about.command),
    about.notes.length ? h("h2", {}, "Notes on the data") : "", h("ul", {}, about.notes.map((line) => h("li", {}, line))));
  return {};
}

/** @type {import("./types").View} */
export const view = { name: "about", title: "About the run", offered: () => true, open };
