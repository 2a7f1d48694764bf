// About the run: what it is, its figures with a sentence each, curves, settings.
import { h, number } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = { train: "var(--train)", validation: "var(--validation)", test: "var(--test)" };

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A name with its unit: kl_nats is "kl (nats)". */
export function readable(name) {
  const found = name.match(/^(.*)_(nats|bpd|seconds)$/);
  return (found ? `${found[1]} (${found[2]})` : name).replaceAll("_", " ");
}

/** A line chart of one quantity over the steps, a line a split. */
function chart({ name, splits }) {
  const [width, height, left, bottom] = [360, 190, 56, 26];
  const points = Object.values(splits).flat();
  const xs = points.map(([x]) => x);
  // the first steps are far off: the range is that of all but the first twentieth
  const values = points.filter(([x]) => x > 0.05 * Math.max(...xs)).map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  const [bottomValue, topValue, last] = [low - pad, high + pad, Math.max(...xs)];
  const place = ([x, value]) => [
    left + ((width - left - 8) * x) / last,
    Math.max(4, height - bottom - ((height - bottom - 8) * (value - bottomValue)) / (topValue - bottomValue)),
  ];
  const lines = Object.entries(splits).filter(([, line]) => line.length > 1).map(([split, line]) => svg("polyline", {
    points: line.map((point) => place(point).map((v) => v.toFixed(1)).join(",")).join(" "),
    fill: "none", stroke: COLOURS[split] ?? "var(--ink)", "stroke-width": 1.6, "stroke-linejoin": "round",
  }));
  const text = (x, y, content, anchor) => svg("text", { x, y, "text-anchor": anchor, class: "tick" }, content);
  const digits = high - low >= 10 ? 0 : high - low >= 0.1 ? 2 : 4;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${readable(name)} from ${number(high, 4)} to ${number(low, 4)}` },
    svg("path", { d: `M${left} 4V${height - bottom}H${width - 4}`, class: "axis" }),
    text(left - 6, height - bottom - 2, number(low, digits), "end"), text(left - 6, 14, number(high, digits), "end"),
    text(left, height - 8, "0", "middle"), text(width - 8, height - 8, `step ${last.toLocaleString("en")}`, "end"), ...lines);
  const legend = Object.keys(splits).map((split) => h("span", { class: `key ${split}` }, split));
  return h("figure", { class: "chart" }, h("figcaption", {}, h("b", {}, readable(name)), legend), picture);
}

function open(app, panel) {
  const { info } = app;
  const rows = info.numbers.map(({ label, unit, text, sentence }) => h("tr", {},
    h("th", { scope: "row" }, label, h("span", { class: "faint" }, ` ${unit}`)), h("td", { class: "number" }, text), h("td", {}, sentence)));
  const changed = (only) => info.settings.filter((setting) => !only || setting.changed).map(({ name, value }) =>
    h("tr", {}, h("th", { scope: "row" }, h("code", {}, name)), h("td", {}, h("code", {}, value))));
  const own = changed(true);
  panel.append(
    h("h2", {}, "What it is"), ...info.summary.map((line) => h("p", {}, line)),
    rows.length ? h("h2", {}, "Figures") : "", rows.length ? h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, rows))) : "",
    info.curves.length ? h("h2", {}, "Curves") : "", h("div", { class: "charts" }, info.curves.map(chart)),
    h("h2", {}, "Settings"),
    own.length ? h("table", {}, h("tbody", {}, own)) : h("p", {}, "All as by default."),
    h("details", {}, h("summary", {}, "All settings"), h("table", {}, h("tbody", {}, changed(false)))),
    h("p", { class: "faint" }, "To train it again:"), h("pre", {}, info.command),
    info.notes.length ? h("h2", {}, "Notes on the data") : "", h("ul", {}, info.notes.map((line) => h("li", {}, line))));
  return {};
}

export const view = { name: "about", title: "About the run", offered: () => true, open };
