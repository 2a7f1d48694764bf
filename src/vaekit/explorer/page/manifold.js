// A grid over two latents, decoded; the others stay as they are in the current picture.
import { choice, h, latest, trying } from "./dom.js";
import { Sheet, saveButton } from "./pictures.js";
import { dimensionNames } from "./plane.js";

class Manifold {
  constructor(app, panel) {
    this.app = app;
    const { info, state } = app;
    const two = info.can.latent === 2 ? [0, 1] : info.dimensions.slice(0, 2).map(({ index }) => index);
    const given = state.option("grid", "").split(",").map(Number);
    const fits = given.length === 2 && state.option("grid", null) !== null && given.every((d) => d >= 0 && d < info.can.latent && Number.isInteger(d));
    this.axes = fits ? given : two;
    this.n = info.ticks.length;
    this.sheet = new Sheet(info.shape, this.n, this.n, "Grid over two latent dimensions", 0);
    this.sheet.canvas.classList.add("large");
    this.sheet.canvas.tabIndex = 0;
    this.draw = latest(() => this.redraw());
    this.sheet.canvas.addEventListener("click", (event) => this.app.state.go(this.code(this.sheet.at(event)), { from: "grid" }));
    this.sheet.canvas.addEventListener("pointermove", (event) => event.pointerType !== "touch" && app.preview(this.code(this.sheet.at(event))));
    this.sheet.canvas.addEventListener("pointerleave", () => app.preview(null));
    this.sheet.canvas.addEventListener("keydown", (event) => this.key(event));
    const select = (label, k) => choice(label, dimensionNames(info), this.axes[k], (value) => {
      this.axes[k] = Number(value);
      state.set("grid", this.axes.join(","));
      this.draw();
    });
    const others = info.can.latent > 2 ? " The other latents stay as in the current picture." : "";
    const steps = info.random ? "equal steps of the prior's probability" : "steps of the codes' spread";
    panel.append(
      h("p", { class: "faint" }, `Decoded at ${steps}; click to go there, arrow keys move.${others}`),
      h("div", { class: "fields" }, info.can.latent > 2 ? [select("Across", 0), select("Up", 1)] : [],
        saveButton(() => this.sheet.canvas, `${info.run}-manifold`)),
      this.sheet.canvas);
    trying(() => this.draw());
  }

  /** Values of a dimension along the grid. */
  places(d) {
    const { centre, reach } = this.app.info.dimensions.find(({ index }) => index === d);
    return this.app.info.ticks.map((tick) => centre + (tick * reach) / 3);
  }

  code(tile) {
    const z = Float32Array.from(this.app.state.z);
    z[this.axes[0]] = this.places(this.axes[0])[tile % this.n];
    z[this.axes[1]] = this.places(this.axes[1])[this.n - 1 - Math.floor(tile / this.n)];
    return z;
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.n, ArrowDown: this.n }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (this.tile ?? Math.floor((this.n * this.n) / 2)) + step;
    if (next < 0 || next >= this.n * this.n) return;
    this.tile = next;
    this.app.state.go(this.code(next), { from: "grid" });
  }

  async redraw() {
    this.running?.abort();
    this.running = new AbortController();
    const D = this.app.info.can.latent;
    const codes = new Float32Array(this.n * this.n * D);
    for (let tile = 0; tile < this.n * this.n; tile++) codes.set(this.code(tile), tile * D);
    await this.app.engine.decode(codes, this.app.y, (levels, first) => this.sheet.draw(levels, first), this.running.signal);
  }

  update(what) {
    if (what !== "grid") this.draw();
  }

  close() {
    this.running?.abort();
    this.app.preview(null);
  }
}

export const view = {
  name: "manifold",
  title: "Manifold",
  offered: (info) => info.can.latent > 1,
  open: (app, panel) => new Manifold(app, panel),
};
