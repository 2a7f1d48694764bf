// @ts-check
// From one place to another: a strip, and an animation.
import { choice, h, latest, slider, trying } from "./dom.js";
import { Picture, Sheet, saveButton } from "./pictures.js";
import { anyLive } from "./plane.js";
import { latentsOf, textOf } from "./state.js";

const STEPS = 11;

/**
 * The latents at share t of the way from a to b: on the straight line, or on the arc (Shoemake 1985).
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {number} t
 * @param {boolean} arc
 */
export function between(a, b, t, arc) {
  const dot = a.reduce((sum, value, i) => sum + value * b[i], 0);
  const norms = Math.hypot(...a) * Math.hypot(...b);
  const angle = norms > 0 ? Math.acos(Math.max(-1, Math.min(1, dot / norms))) : 0;
  const bent = arc && Math.sin(angle) >= 1e-4;
  const [from, to] = bent ? [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)] : [1 - t, t];
  return a.map((value, i) => from * value + to * b[i]);
}

/** @typedef {import("./app.js").App} App */

/** @typedef {{name: "a" | "b", picture: Picture, element: HTMLElement, z: Float32Array, turn: number}} End */

class Between {
  /** @param {App} app @param {HTMLElement} panel */
  constructor(app, panel) {
    this.app = app;
    const { about, state } = app;
    this.arc = state.option("path") === "arc";
    this.ends = [this.end("a"), this.end("b")];
    this.closed = false;
    this.sheet = new Sheet(about.shape, STEPS, 1, "Interpolation from A to B");
    this.sheet.canvas.addEventListener("click", (event) => this.go(this.sheet.at(event) / (STEPS - 1)));
    this.moving = new Picture(about.shape, "Animation from A to B");
    this.shown = latest(async (/** @type {number} */ t) => this.moving.draw(await app.engine.decode(this.latents(t), app.y)));
    this.redraw = latest(() => this.strip());
    const share = Number(state.option("share") ?? 0.5);
    this.t = slider("Share", { min: 0, max: 1, step: 0.01, value: share >= 0 && share <= 1 ? share : 0.5 }, (t) => {
      this.stop();
      state.set("share", t);
      this.shown(t);
    });
    this.input = /** @type {HTMLInputElement} */ (this.t.querySelector("input"));
    this.frame = 0;
    this.play = h("button", { onclick: () => (this.frame ? this.pause() : this.start()) }, "Play");
    panel.append(
      h("p", { class: "faint" }, "What lies between two places: click a picture of the strip to go there."),
      h("div", { class: "ends" }, this.ends.map(({ element }) => element),
        h("figure", {}, this.moving.canvas, h("figcaption", {}, "between"))),
      h("div", { class: "fields" }, this.t, this.play,
        choice("Path", [["line", "straight line"], ["arc", "arc around the origin"]], this.arc ? "arc" : "line", (value) => {
          this.arc = value === "arc";
          state.set("path", value);
          this.redraw();
        }),
        h("button", { onclick: () => this.swap() }, "Swap"),
        saveButton(() => this.sheet.canvas, `${about.run}-between`, 56)),
      this.sheet.canvas);
    this.begun = trying(() => this.begin());
  }

  /** One end: its picture with buttons. @param {"a" | "b"} name @returns {End} */
  end(name) {
    const { about, state } = this.app;
    const picture = new Picture(about.shape, `Picture ${name.toUpperCase()}`);
    const button = (/** @type {string} */ text, /** @type {() => unknown} */ task) => h("button", { class: "quiet", onclick: () => trying(task) }, text);
    const random = about.points || about.can.prior === "normal";
    const buttons = h("span", { class: "buttons" });
    const element = h("figure", {}, picture.canvas, h("figcaption", {}, h("b", {}, name.toUpperCase()), buttons));
    const end = { name, picture, element, z: latentsOf(state.option(name), about.can.latent) ?? state.z, turn: 0 };
    buttons.append(button("Current", () => this.set(end, state.z)));
    if (random) buttons.append(button("Random", () => this.set(end, this.random())));
    return end;
  }

  /** The latents of an image, or where there are none a draw from the prior. */
  async random() {
    const { about, data, random } = this.app;
    return about.points ? data.latents(random.below(about.points)) : random.normals(about.can.length);
  }

  /** A is the current place, and B the second image, unless the address has others. */
  async begin() {
    const { about, state, data } = this.app;
    if (latentsOf(state.option("b"), about.can.latent)) this.redraw();
    else await this.set(this.ends[1], about.points > 1 ? data.latents(1) : this.random());
  }

  /** Takes latents, which may be on their way: what is chosen meanwhile stays. @param {End} end @param {Float32Array | Promise<Float32Array>} coming */
  async set(end, coming) {
    const turn = ++end.turn;
    const z = await coming;
    if (turn !== end.turn) return;
    end.z = Float32Array.from(z);
    this.keep(end);
    this.redraw();
  }

  /** An end in the address. @param {End} end */
  keep(end) {
    if (!this.closed) this.app.state.set(end.name, textOf(end.z, 3));
  }

  async swap() {
    await this.begun;
    const [a, b] = this.ends;
    [a.z, b.z] = [b.z, a.z];
    this.ends.forEach((end) => this.keep(end));
    this.redraw();
  }

  /** @param {number} t */
  latents(t) {
    return between(this.ends[0].z, this.ends[1].z, t, this.arc);
  }

  async strip() {
    const { engine, about, y } = this.app;
    const latents = new Float32Array(STEPS * about.can.latent);
    for (let k = 0; k < STEPS; k++) latents.set(this.latents(k / (STEPS - 1)), k * about.can.latent);
    const levels = await engine.decode(latents, y);
    const size = levels.length / STEPS;
    this.sheet.draw(levels);
    this.ends[0].picture.draw(levels, 0);
    this.ends[1].picture.draw(levels, (STEPS - 1) * size);
    if (!this.frame) await this.shown(Number(this.input.value));
  }

  /** @param {number} t */
  go(t) {
    this.app.state.go(this.latents(t));
  }

  /** To B and back again, four seconds a round; half a second of rest at the ends. */
  start() {
    this.play.textContent = "Pause";
    const began = performance.now();
    const step = (/** @type {number} */ now) => {
      const phase = ((now - began) / 4000) % 1;
      const t = Math.max(0, Math.min(1, 0.5 - 0.6 * Math.cos(2 * Math.PI * phase)));
      this.input.value = String(t);
      this.shown(t);
      this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  /** As if the slider had been moved to where it is: the share goes into the address, and beside the slider. */
  pause() {
    this.input.dispatchEvent(new Event("input"));
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.play.textContent = "Play";
  }

  update() {
    this.keep(this.ends[0]); // it was the current picture, which has moved away
    this.redraw();
  }

  close() {
    this.closed = true;
    this.stop();
  }
}

/** @type {import("./types").View} */
export const view = {
  name: "between",
  title: "Between",
  offered: (about) => anyLive(about),
  open: (app, panel) => new Between(app, panel),
};
