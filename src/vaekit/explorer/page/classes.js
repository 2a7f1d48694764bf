// @ts-check
// The same hand across all classes: the same latents, decoded as each.
import { h, latest } from "./dom.js";
import { Sheet, saveButton } from "./pictures.js";

const MOST = 100; // classes shown

/** @typedef {import("./app.js").App} App */

class Classes {
  /** @param {App} app @param {HTMLElement} panel */
  constructor(app, panel) {
    this.app = app;
    const { about } = app;
    this.count = Math.min(MOST, about.can.classes);
    const columns = Math.min(10, this.count);
    this.sheet = new Sheet(about.shape, columns, Math.ceil(this.count / columns), "The current latents as every class", 2);
    this.sheet.canvas.addEventListener("click", (event) => this.choose(this.sheet.at(event)));
    this.names = h("div", { class: "buttons" }, Array.from({ length: this.count }, (_, c) =>
      h("button", { class: "chip", onclick: () => this.choose(c) }, app.className(c))));
    this.draw = latest(() => this.redraw());
    panel.append(
      h("p", { class: "faint" }, "The same latents under every class: what stays is the hand, what changes is the class."),
      this.sheet.canvas, this.names,
      h("div", { class: "buttons" }, saveButton(() => this.sheet.canvas, `${about.run}-classes`, 56)));
    this.update();
  }

  /** @param {number} y */
  choose(y) {
    if (y < this.count) this.app.state.go(this.app.state.z, { y });
  }

  async redraw() {
    const { engine, state, about } = this.app;
    const latents = new Float32Array(this.count * about.can.latent);
    for (let c = 0; c < this.count; c++) latents.set(state.z, c * about.can.latent);
    this.sheet.draw(await engine.decode(latents, Array.from({ length: this.count }, (_, c) => c)));
  }

  update() {
    [...this.names.children].forEach((button, c) => button.setAttribute("aria-pressed", String(c === this.app.state.y)));
    this.draw();
  }
}

/** @type {import("./types").View} */
export const view = {
  name: "classes",
  title: "Classes",
  offered: (about) => about.can.classes > 1 && about.can.latent > 0,
  open: (app, panel) => new Classes(app, panel),
};
