// @ts-check
// The map: images in a plane of the latent space. Pointing decodes, a click goes there.
import { Camera } from "./camera.js";
import { choice, context2d, h, latest, number, say, trying } from "./dom.js";
import { Legend } from "./legend.js";
import { coloursOf, drawMark, drawPrior, paintPoints } from "./painting.js";
import { saveButton } from "./pictures.js";
import { along, axesText, dimensionNames, planeOf } from "./plane.js";
import { Pointers } from "./pointers.js";
import { Points } from "./points.js";
import { numbersOf } from "./state.js";
import { Tooltip } from "./tooltip.js";

/** @typedef {import("./app.js").App} App */

const NEAR = 9; // pixels within which a point is meant
const STEP = 40; // arrow keys move a fortieth of the view
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** The two latents that are asked for, or null: the plane of about.json. @param {App} app */
function axesOf({ about, state }) {
  const given = numbersOf(state.option("axes"));
  const known = (/** @type {number} */ d) => about.dimensions.some(({ index }) => index === d);
  return given.length === 2 && given.every(known) ? given : null;
}

/**
 * Chooses the plane; nothing where there are but two latents.
 * @param {App} app
 * @param {(axes: string | null) => void} change
 */
function planeChoice(app, change) {
  const { about } = app;
  if (about.can.latent <= 2) return [];
  const now = axesOf(app);
  const pair = now ?? about.dimensions.slice(0, 2).map(({ index }) => index);
  const selects = ["Across", "Up"].map((label, k) => choice(label, dimensionNames(about), pair[k], (value) => {
    pair[k] = Number(value);
    change(pair.join(","));
  }));
  const both = h("span", { class: "fields", hidden: !now }, selects);
  const kind = choice("Plane", [["pca", "principal components"], ["axes", "two latents"]], now ? "axes" : "pca", (value) => {
    both.hidden = value === "pca";
    change(value === "pca" ? null : pair.join(","));
  });
  return [kind, both];
}

class LatentMap {
  /** @param {App} app @param {HTMLElement} panel */
  constructor(app, panel) {
    this.app = app;
    const { about, state } = app;
    /** @type {import("./types").Plane | null} */
    this.plane = null;
    this.camera = new Camera();
    this.points = new Points(numbersOf(state.option("hide")));
    this.colours = coloursOf(about.class_colours);
    this.canvas = h("canvas", {
      class: "map", tabindex: "0", role: "application",
      "aria-label": "Map of the latent space. Arrow keys move the current place, plus and minus zoom, 0 shows all.",
    });
    this.context = context2d(this.canvas, { alpha: false });
    this.tooltip = new Tooltip(app, this.points);
    this.legend = new Legend(this.points, about.class_names, () => this.keepHidden());
    this.stage = h("div", { class: "stage" }, this.canvas, this.tooltip.element);
    this.caption = h("p", { class: "faint" });
    panel.append(this.controls(), this.stage, this.legend.element, this.caption);
    this.ratio = 1; // pixels of the canvas per pixel of the page
    this.waiting = 0;
    /** @type {ImageData | null} */
    this.image = null;
    this.listen();
    this.load = latest(() => this.fetch());
    this.load();
  }

  controls() {
    return h("div", { class: "fields" }, planeChoice(this.app, (axes) => this.setAxes(axes)), h("span", { class: "buttons" },
      h("button", { class: "quiet", onclick: () => this.zoom(1.4), "aria-label": "Zoom in" }, "+"),
      h("button", { class: "quiet", onclick: () => this.zoom(1 / 1.4), "aria-label": "Zoom out" }, "−"),
      h("button", { class: "quiet", onclick: () => this.fit() }, "Show all"),
      saveButton(() => this.canvas, `${this.app.about.run}-map`)));
  }

  listen() {
    this.pointers = new Pointers(this.canvas, {
      hover: (event) => this.hover(event),
      click: (event) => trying(() => this.click(event)),
      pan: (across, down) => {
        this.camera.pan(across * this.ratio, down * this.ratio);
        this.keepView();
      },
      zoom: (factor, around) => this.zoom(factor, this.toPlane(around)),
      leave: () => {
        this.tooltip.show(-1);
        this.app.preview(null);
      },
    });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.stage);
    this.theme = matchMedia("(prefers-color-scheme: dark)");
    this.onTheme = () => {
      this.colours = coloursOf(this.app.about.class_colours);
      this.draw();
    };
    this.theme.addEventListener("change", this.onTheme);
  }

  /** @param {string | null} axes */
  setAxes(axes) {
    this.app.state.set("axes", axes);
    this.app.state.set("map", null);
    this.load();
  }

  async fetch() {
    const { about, data, state } = this.app;
    say("Loading the map…");
    this.plane = null; // until its points are there
    const axes = axesOf(this.app);
    [this.points.places, this.points.labels] = await Promise.all([data.places(axes), data.labels()]);
    this.plane = planeOf(about, axes);
    this.caption.textContent = `${axesText(this.plane)}. Moving decodes the place under the pointer; `
      + "a click goes there, a click on a point to its image. Drag to pan, scroll to zoom.";
    this.legend.fill(this.colours.classes);
    if (!this.camera.look(numbersOf(state.option("map")))) this.fit();
    this.draw();
    say(`${about.points.toLocaleString("en")} ${about.source ? "images" : "preview images"} on the map.`);
  }

  fit() {
    this.camera.fit(this.points.places);
    this.app.state.set("map", null);
    this.draw();
  }

  resize() {
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    const box = this.canvas.getBoundingClientRect();
    const [width, height] = [box.width, box.height].map((side) => Math.max(1, Math.round(side * this.ratio)));
    [this.canvas.width, this.canvas.height] = [this.camera.width, this.camera.height] = [width, height];
    this.image = this.context.createImageData(width, height);
    this.draw();
  }

  /** Place under a pointer. @param {MouseEvent} event */
  toPlane(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.camera.toPlane((event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio);
  }

  /** Paints with the next frame of the browser. */
  draw() {
    if (this.waiting || !this.image) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  paint() {
    if (!this.plane || !this.image) return;
    const { about, state } = this.app;
    paintPoints(new Uint32Array(this.image.data.buffer), this.points, this.camera, this.colours, this.ratio);
    this.context.putImageData(this.image, 0, 0);
    if (about.random && about.can.prior === "normal") drawPrior(this.context, this.camera, this.colours, this.ratio);
    const [x, y] = along(this.plane, state.z);
    drawMark(this.context, this.camera.toScreen(x, y), this.colours, this.ratio);
  }

  /** The point that is meant at a place, or -1. @param {number} x @param {number} y */
  nearest(x, y) {
    return this.points.nearest(x, y, NEAR * this.ratio * this.camera.unit);
  }

  /** @param {PointerEvent} event */
  hover(event) {
    if (event.pointerType === "touch" || !this.plane) return;
    const [x, y] = this.toPlane(event);
    const box = this.canvas.getBoundingClientRect();
    this.tooltip.show(this.nearest(x, y), event.clientX - box.left, event.clientY - box.top);
    this.app.preview(this.plane.move(this.app.state.z, x, y));
  }

  /** @param {PointerEvent} event */
  async click(event) {
    if (!this.plane) return;
    const { app, points } = this;
    const [x, y] = this.toPlane(event);
    const index = this.nearest(x, y);
    if (index < 0) {
      app.state.go(this.plane.move(app.state.z, x, y));
      say(`Decoded at ${number(x)}, ${number(y)}.`);
    } else if (await app.goImage(index)) {
      say(`Image ${index}${points.labels ? `, class ${app.className(points.label(index))}` : ""}.`);
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.plane) return;
    const step = ARROWS[event.key];
    if (step) {
      const [x, y] = along(this.plane, this.app.state.z);
      const by = this.camera.span / STEP;
      this.app.state.go(this.plane.move(this.app.state.z, x + step[0] * by, y + step[1] * by));
    } else if (event.key === "+" || event.key === "=") this.zoom(1.2);
    else if (event.key === "-") this.zoom(1 / 1.2);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  /** @param {number} factor @param {[number, number]} [place] */
  zoom(factor, place) {
    this.camera.zoom(factor, place);
    this.keepView();
  }

  /** The view in the address. */
  keepView() {
    if (!this.plane) return;
    this.app.state.set("map", this.camera.values().join(","));
    this.draw();
  }

  /** The hidden classes in the address. */
  keepHidden() {
    this.app.state.set("hide", this.points.hidden.size ? [...this.points.hidden].join(",") : null);
    this.draw();
  }

  update() {
    this.draw();
  }

  close() {
    this.observer?.disconnect();
    if (this.onTheme) this.theme?.removeEventListener("change", this.onTheme);
    this.app.preview(null);
  }
}

/** @type {import("./types").View} */
export const view = {
  name: "map",
  title: "Map",
  offered: (about) => about.plane !== null,
  open: (app, panel) => new LatentMap(app, panel),
};
