// @ts-check
// A grid over two latents, decoded; the others stay as they are in the current picture.
import { choice, h, latest } from "./dom.js";
import { Sheet, saveButton } from "./pictures.js";
import { anyLive, dimensionNames } from "./plane.js";
import { numbersOf } from "./state.js";

/** @typedef {import("./app.js").App} App */

class Manifold {
  /** @param {App} app @param {HTMLElement} panel */
  constructor(app, panel) {
    this.app = app;
    const { about } = app;
    const two = about.can.latent === 2 ? [0, 1] : about.dimensions.slice(0, 2).map(({ index }) => index);
    const given = numbersOf(app.state.option("grid"));
    const fits = given.length === 2 && given.every((d) => d >= 0 && d < about.can.latent && Number.isInteger(d));
    this.axes = fits ? given : two;
    this.n = about.ticks.length;
    this.sheet = new Sheet(about.shape, this.n, this.n, "Grid over two latent dimensions", 0);
    this.sheet.canvas.classList.add("large");
    this.sheet.canvas.tabIndex = 0;
    /** @type {number | null} */
    this.tile = null; // where the arrow keys are
    /** @type {AbortController | null} */
    this.running = null;
    this.redrawn = latest(() => this.redraw());
    this.listen(this.sheet.canvas);
    const others = about.can.latent > 2 ? " The other latents stay as in the current picture." : "";
    const steps = about.can.prior === "normal" ? "equal steps of the prior's probability" : "steps of the latents' spread";
    panel.append(
      h("p", { class: "faint" }, `Decoded at ${steps}; click to go there, arrow keys move.${others}`),
      h("div", { class: "fields" }, about.can.latent > 2 ? [this.axisChoice("Across", 0), this.axisChoice("Up", 1)] : [],
        saveButton(() => this.sheet.canvas, `${about.run}-manifold`)),
      this.sheet.canvas);
    this.draw();
  }

  /** @param {HTMLCanvasElement} canvas */
  listen(canvas) {
    const { app } = this;
    canvas.addEventListener("click", (event) => app.state.go(this.latents(this.sheet.at(event)), { from: "grid" }));
    canvas.addEventListener("pointermove", (event) => event.pointerType !== "touch" && app.preview(this.latents(this.sheet.at(event))));
    canvas.addEventListener("pointerleave", () => app.preview(null));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {string} label @param {number} k */
  axisChoice(label, k) {
    return choice(label, dimensionNames(this.app.about), this.axes[k], (value) => {
      this.axes[k] = Number(value);
      this.app.state.set("grid", this.axes.join(","));
      this.draw();
    });
  }

  /** Values of a dimension along the grid. @param {number} d */
  places(d) {
    const found = this.app.about.dimensions.find(({ index }) => index === d);
    const { centre, reach } = found ?? { centre: 0, reach: 3 };
    return this.app.about.ticks.map((tick) => centre + (tick * reach) / 3);
  }

  /** The latents of a picture of the grid. @param {number} tile */
  latents(tile) {
    const z = Float32Array.from(this.app.state.z);
    z[this.axes[0]] = this.places(this.axes[0])[tile % this.n];
    z[this.axes[1]] = this.places(this.axes[1])[this.n - 1 - Math.floor(tile / this.n)];
    return z;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.n, ArrowDown: this.n }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (this.tile ?? Math.floor((this.n * this.n) / 2)) + step;
    if (next < 0 || next >= this.n * this.n) return;
    this.tile = next;
    this.app.state.go(this.latents(next), { from: "grid" });
  }

  /** Draws the grid; one that is being drawn is given up. */
  draw() {
    this.running?.abort();
    this.redrawn();
  }

  async redraw() {
    this.running = new AbortController();
    const D = this.app.about.can.latent;
    const latents = new Float32Array(this.n * this.n * D);
    for (let tile = 0; tile < this.n * this.n; tile++) latents.set(this.latents(tile), tile * D);
    await this.app.engine.decode(latents, this.app.y, (levels, first) => this.sheet.draw(levels, first), this.running.signal);
  }

  /** @param {string} what */
  update(what) {
    if (what !== "grid") this.draw();
  }

  close() {
    this.running?.abort();
    this.app.preview(null);
  }
}

/** @type {import("./types").View} */
export const view = {
  name: "manifold",
  title: "Manifold",
  offered: (about) => about.can.latent > 1 && anyLive(about),
  open: (app, panel) => new Manifold(app, panel),
};
