// @ts-check
// The image of the point under the pointer, beside it.
import { context2d, h, latest } from "./dom.js";

const ASIDE = 18; // pixels from the pointer

export class Tooltip {
  /** @param {import("./app.js").App} app @param {import("./points.js").Points} points */
  constructor(app, points) {
    this.app = app;
    this.points = points;
    this.canvas = h("canvas", { class: "picture" });
    this.text = h("span");
    [this.canvas.height, this.canvas.width] = app.about.shape.slice(1);
    this.context = context2d(this.canvas);
    this.element = h("div", { class: "tip", hidden: true }, this.canvas, this.text);
    /** Shows an image at a pixel of the stage; -1 hides it. */
    this.show = latest((/** @type {number} */ index, x = 0, y = 0) => this.fill(index, x, y));
  }

  /** @param {number} index @param {number} x @param {number} y */
  async fill(index, x, y) {
    this.element.hidden = index < 0;
    if (index < 0) return;
    await this.app.data.draw(index, this.context);
    const label = this.points.label(index);
    this.text.textContent = label < 0 ? `image ${index}` : this.app.className(label);
    const stage = /** @type {HTMLElement} */ (this.element.parentElement).getBoundingClientRect();
    const [wide, high] = [this.element.offsetWidth, this.element.offsetHeight];
    const right = x + ASIDE + wide <= stage.width;
    this.element.style.left = `${right ? x + ASIDE : x - wide - ASIDE}px`;
    this.element.style.top = `${Math.max(0, Math.min(stage.height - high, y - high / 2))}px`;
  }
}
