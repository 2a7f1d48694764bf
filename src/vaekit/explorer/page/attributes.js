// @ts-check
// The mean of one class less that of another, added to a picture with a strength.
import { choice, h, latest, slider } from "./dom.js";
import { Picture, Sheet, saveButton } from "./pictures.js";
import { anyLive } from "./plane.js";

const STEPS = 9;
const MOST = 2; // strength at both ends

/** @typedef {import("./app.js").App} App */

class Attributes {
  /** @param {App} app @param {HTMLElement} panel */
  constructor(app, panel) {
    this.app = app;
    const { about, state } = app;
    this.classes = app.classChoices(about.class_names.length).filter(([c]) => about.class_means[c]);
    this.more = this.classOf("more", 0);
    this.less = this.classOf("less", 1);
    this.base = Float32Array.from(state.z);
    const strength = Number(state.option("strength") ?? 1);
    this.strength = Math.abs(strength) <= MOST ? strength : 1;
    this.before = new Picture(about.shape, "The picture as it was");
    this.after = new Picture(about.shape, "The picture with the attribute");
    this.sheet = new Sheet(about.shape, STEPS, 1, "The picture with falling and rising strength");
    this.sheet.canvas.addEventListener("click", (event) => this.take((this.sheet.at(event) / (STEPS - 1) - 0.5) * 2 * MOST));
    this.draw = latest(() => this.redraw());
    this.one = latest(async () => this.after.draw(await app.engine.decode(this.latents(this.strength), app.y)));
    panel.append(
      h("p", { class: "faint" }, "The mean embedding of one class less that of another is a direction; here it is added to the current picture."),
      h("div", { class: "fields" }, this.controls()),
      h("div", { class: "ends" },
        h("figure", {}, this.before.canvas, h("figcaption", {}, "current picture")),
        h("figure", {}, this.after.canvas, h("figcaption", {}, "with the attribute"))),
      this.sheet.canvas,
      h("div", { class: "buttons" }, h("button", { onclick: () => this.take(this.strength) }, "Keep it"),
        saveButton(() => this.sheet.canvas, `${about.run}-attribute`, 56)));
    this.draw();
  }

  /** A class from the address, or the class with that number among those that have a mean. @param {string} name @param {number} place */
  classOf(name, place) {
    const value = Number(this.app.state.option(name) ?? NaN);
    return this.classes.some(([c]) => c === value) ? value : this.classes[place][0];
  }

  controls() {
    const { state } = this.app;
    const select = (/** @type {string} */ label, /** @type {"more" | "less"} */ name) => choice(label, this.classes, this[name], (value) => {
      this[name] = Number(value);
      state.set(name, value);
      this.draw();
    });
    const strength = slider("Strength", { min: -MOST, max: MOST, step: 0.02, value: this.strength }, (value) => {
      this.strength = value;
      state.set("strength", value);
      this.one();
    });
    return [select("More like", "more"), select("less like", "less"), strength];
  }

  /** Mean embedding of a class. @param {number} c */
  mean(c) {
    return /** @type {number[]} */ (this.app.about.class_means[c]);
  }

  /** The current latents with the attribute added. @param {number} strength */
  latents(strength) {
    const [more, less] = [this.mean(this.more), this.mean(this.less)];
    return this.base.map((value, i) => value + strength * (more[i] - less[i]));
  }

  async redraw() {
    const { engine, about, y } = this.app;
    const D = about.can.latent;
    const latents = new Float32Array((STEPS + 1) * D);
    for (let k = 0; k < STEPS; k++) latents.set(this.latents((k / (STEPS - 1) - 0.5) * 2 * MOST), k * D);
    latents.set(this.base, STEPS * D);
    const levels = await engine.decode(latents, y);
    const size = levels.length / (STEPS + 1);
    this.sheet.draw(levels.subarray(0, STEPS * size));
    this.before.draw(levels, STEPS * size);
    await this.one();
  }

  /** @param {number} strength */
  take(strength) {
    this.app.state.go(this.latents(strength));
  }

  update() {
    this.base = Float32Array.from(this.app.state.z);
    this.draw();
  }
}

/** @type {import("./types").View} */
export const view = {
  name: "attributes",
  title: "Attributes",
  offered: (about) => anyLive(about) && about.class_means.filter(Boolean).length > 1,
  open: (app, panel) => new Attributes(app, panel),
};
