// @ts-check
// One slider per latent dimension, by falling relevance, each with the strip of its traversal.
import { h, number, settled, trying } from "./dom.js";
import { Sheet } from "./pictures.js";

const TILES = 9;
const SHOWN = 32; // rows that are open at first

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types").Dimension} Dimension */
/** @typedef {ReturnType<Sliders["make"]>} Row */

class Sliders {
  /** @param {App} app @param {HTMLElement} panel */
  constructor(app, panel) {
    this.app = app;
    const { about } = app;
    const collapsed = !about.dimensions.some(({ live }) => live);
    const live = about.dimensions.filter((dimension) => collapsed || dimension.live);
    const dead = about.dimensions.filter((dimension) => !collapsed && !dimension.live);
    /** @type {Row[]} */
    this.rows = [];
    /** @type {AbortController | null} */
    this.running = null;
    this.closed = false;
    this.refresh = settled(() => this.draw(), 90);
    /** @type {HTMLElement[]} */
    const groups = [h("div", { class: "sliders" }, live.slice(0, SHOWN).map((d) => this.row(d)))];
    if (live.length > SHOWN) groups.push(this.fold(live.slice(SHOWN), `${live.length - SHOWN} more`));
    if (dead.length) {
      const why = about.random ? "they hardly differ from the prior" : "they never vary";
      groups.push(this.fold(dead, `${dead.length} dead ${dead.length === 1 ? "dimension" : "dimensions"}: ${why}`));
    }
    const by = about.random ? "by falling KL: the most that each can say about an image" : "by falling variance of the latents";
    const order = about.dimensions[0]?.relevance === null ? "" : `, ${by}`;
    if (collapsed) panel.append(h("p", {}, "Every dimension is dead: the latents say next to nothing about an image."));
    panel.append(h("p", { class: "faint" }, `One slider per latent dimension${order}. Beside it what happens when it alone moves.`),
      ...groups);
    this.draw();
  }

  /** Rows that are folded away. @param {Dimension[]} dimensions @param {string} title */
  fold(dimensions, title) {
    return h("details", { ontoggle: () => this.refresh() }, h("summary", {}, title),
      h("div", { class: "sliders" }, dimensions.map((d) => this.row(d))));
  }

  /** The element of a new row. @param {Dimension} dimension */
  row(dimension) {
    const row = this.make(dimension);
    const { input, sheet } = row;
    input.addEventListener("pointerdown", () => this.app.state.remember());
    input.addEventListener("keydown", (event) => {
      if (event.key.startsWith("Arrow")) this.nudge(event, row);
      else if (["Home", "End", "PageUp", "PageDown"].includes(event.key)) this.app.state.remember();
    });
    input.addEventListener("input", () => this.move(row, Number(input.value), false));
    sheet.canvas.addEventListener("click", (event) => this.move(row, this.place(row, sheet.at(event)), true));
    this.rows.push(row);
    this.fill(row);
    return row.element;
  }

  /** @param {Dimension} dimension */
  make({ index, relevance, centre, reach }) {
    const { app } = this;
    const input = h("input", { type: "range", id: `z${index}`, step: "any" });
    const shown = h("output", { for: `z${index}` });
    const sheet = new Sheet(app.about.shape, TILES, 1, `Traversal of dimension ${index}`);
    const unit = app.about.random ? "nats" : "variance";
    const amount = relevance === null ? "" : `${relevance.toFixed(2)} ${unit}`;
    const label = h("label", { for: `z${index}` }, h("b", {}, `z${index}`), h("span", { class: "faint" }, amount));
    const [low, high] = [centre - reach, centre + reach];
    [input.min, input.max] = [String(low), String(high)];
    const element = h("div", { class: "slider" }, label, input, shown, sheet.canvas);
    return { index, input, shown, sheet, low, high, element };
  }

  /** Value of a tile. @param {Row} row @param {number} tile */
  place(row, tile) {
    return row.low + ((row.high - row.low) * tile) / (TILES - 1);
  }

  /** A sixtieth of the range with an arrow key. @param {KeyboardEvent} event @param {Row} row */
  nudge(event, row) {
    const by = (["ArrowRight", "ArrowUp"].includes(event.key) ? 1 : -1) * (row.high - row.low) / 60;
    event.preventDefault();
    this.move(row, Math.max(row.low, Math.min(row.high, this.app.state.z[row.index] + by)), true);
  }

  /** @param {Row} row @param {number} value @param {boolean} keep */
  move(row, value, keep) {
    const z = Float32Array.from(this.app.state.z);
    z[row.index] = value;
    this.app.state.go(z, { keep });
  }

  /** @param {Row} row */
  fill(row) {
    const value = this.app.state.z[row.index];
    row.input.value = String(value);
    row.shown.textContent = number(value);
  }

  update() {
    this.rows.forEach((row) => this.fill(row));
    this.refresh();
  }

  draw() {
    if (!this.closed) trying(() => this.strips());
  }

  /** All strips that can be seen, in one request that a newer one ends. */
  async strips() {
    this.running?.abort();
    this.running = new AbortController();
    const rows = this.rows.filter(({ element }) => !element.closest("details:not([open])"));
    const D = this.app.about.can.latent;
    const latents = new Float32Array(rows.length * TILES * D);
    rows.forEach((row, r) => {
      for (let tile = 0; tile < TILES; tile++) {
        const at = (r * TILES + tile) * D;
        latents.set(this.app.state.z, at);
        latents[at + row.index] = this.place(row, tile);
      }
    });
    const size = this.app.about.shape.reduce((a, b) => a * b);
    await this.app.engine.decode(latents, this.app.y, (levels, first) => {
      for (let k = 0; k < levels.length / size; k++) {
        const [r, tile] = [Math.floor((first + k) / TILES), (first + k) % TILES];
        rows[r].sheet.draw(levels.subarray(k * size, (k + 1) * size), tile);
      }
    }, this.running.signal);
  }

  close() {
    this.closed = true;
    this.running?.abort();
  }
}

/** @type {import("./types").View} */
export const view = {
  name: "sliders",
  title: "Sliders",
  offered: (about) => about.can.latent > 0,
  open: (app, panel) => new Sliders(app, panel),
};
