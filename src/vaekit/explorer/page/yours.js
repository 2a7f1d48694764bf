// @ts-check
// An image of one's own: a file, pasted, or drawn with the pen; encoded, reconstructed, scored.
import { context2d, h, latest, number, say, slider, trying } from "./dom.js";
import { Pen } from "./pen.js";
import { Picture } from "./pictures.js";
import { fixedDraw } from "./view.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types").Levels} Levels */

const ODD = 0.99; // share of the data's images that have a lower score, from which on an image is odd

class Yours {
  /** @param {App} app @param {HTMLElement} panel */
  constructor(app, panel) {
    this.app = app;
    const { about } = app;
    this.pen = new Pen(about.shape, about.light_on_dark, () => this.look(this.pen.levels()));
    this.own = new Picture(about.shape, "Your image, as the model sees it");
    this.again = new Picture(about.shape, "Its reconstruction");
    this.chart = h("canvas", { class: "histogram", role: "img", width: 560, height: 130, hidden: true });
    this.text = h("p", { class: "faint" }, "Draw on the empty area with the pointer, or drop, paste or choose a picture.");
    /** @type {Levels | null} */
    this.seen = null;
    this.mean = new Float32Array(0);
    /** @type {number | null} */
    this.y = null; // under which it was encoded
    this.turn = 0; // of the files
    this.encoded = latest(() => this.encode());
    this.file = h("input", { type: "file", accept: "image/*", class: "hidden-file", id: "file", "aria-label": "Picture file", tabindex: "-1", onchange: () => this.take(this.file.files?.[0]) });
    const editor = about.can.grid ? ["codes", "Edit its codes"] : ["sliders", "Edit with the sliders"];
    this.edit = h("button", { disabled: true, onclick: () => this.go(editor[0]) }, editor[1]);
    this.place = about.plane && h("button", { disabled: true, onclick: () => this.go("map") }, "Its place on the map");
    const root = h("div", { class: "yours" },
      h("div", {}, this.pen.canvas, this.tools()),
      h("div", {},
        this.pair = h("div", { class: "pair", hidden: true },
          h("figure", {}, this.own.canvas, h("figcaption", {}, "what the model sees")),
          h("figure", {}, this.again.canvas, h("figcaption", {}, "reconstruction"))),
        this.chart, this.text, h("div", { class: "buttons" }, this.edit, this.place)));
    panel.append(root);
    this.onPaste = (/** @type {ClipboardEvent} */ event) =>
      this.take([...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/")));
    window.addEventListener("paste", this.onPaste);
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      this.take(event.dataTransfer?.files[0]);
    });
  }

  tools() {
    return [
      slider("Pen", { min: 0.03, max: 0.2, step: 0.01, value: this.pen.width }, (value) => (this.pen.width = value)),
      h("div", { class: "buttons" },
        h("button", { onclick: () => this.clear() }, "Clear"),
        h("button", { onclick: () => this.invert() }, "Invert"),
        h("button", { onclick: () => this.file.click() }, "Choose a file…"), this.file),
    ];
  }

  clear() {
    this.seen = null;
    this.pen.clear();
  }

  invert() {
    if (this.seen) this.look(this.seen.map((level) => 255 - level));
    this.pen.invert();
  }

  /** Reads an image file. @param {File | undefined} file */
  take(file) {
    return file && trying(async () => {
      const turn = ++this.turn;
      say(`Reading ${file.name || "the picture"}…`);
      const levels = await this.app.engine.readImage(file);
      if (turn !== this.turn) return; // a later one has come
      say("Read.");
      this.pen.put(levels);
      this.look(levels);
    });
  }

  /** @param {Levels} levels */
  look(levels) {
    this.seen = levels;
    this.encoded();
  }

  /** A model of binary pixels is shown, and sees, one draw of them. */
  async encode() {
    const { about, engine, y } = this.app;
    const levels = this.seen;
    if (!levels) return;
    this.y = y;
    this.pair.hidden = false;
    this.own.draw(about.binary ? fixedDraw(levels).map((v) => 255 * v) : levels);
    const { mean, score } = await engine.encode(levels, y);
    this.mean = Float32Array.from(mean);
    this.again.draw(await engine.decode(this.mean, y));
    for (const button of [this.edit, this.place]) if (button) button.disabled = false;
    if (score !== null) await this.compare(score, levels);
    else this.text.textContent = "";
  }

  /** Says how many images of the data have a lower score. @param {number} score @param {Levels} levels */
  async compare(score, levels) {
    const { about, data, engine } = this.app;
    const scores = await data.floats("scores.bin");
    const above = (/** @type {number} */ own) => scores.filter((other) => other < own).length / scores.length;
    const worse = above(score);
    this.chart.hidden = false;
    const what = `${about.score}: ${number(score, 1)}; higher than that of ${Math.round(100 * worse)} % of ${scores.length.toLocaleString("en")} images of the data.`;
    let line = what[0].toUpperCase() + what.slice(1);
    if (worse >= ODD) {
      line += " The model finds it odd.";
      const inverted = await engine.encode(levels.map((level) => 255 - level), this.y);
      if (inverted.score !== null && above(inverted.score) < ODD) line += " Not so with light and dark exchanged: press Invert.";
    }
    this.text.textContent = line;
    this.chart.setAttribute("aria-label", line);
    histogram(this.chart, scores, score);
  }

  /** Goes to the image's latents, in another view. @param {string} view */
  go(view) {
    this.app.state.go(this.mean);
    this.app.state.show(view);
  }

  /** Under another class it is another reconstruction. */
  update() {
    if (this.y !== this.app.y) this.encoded();
  }

  close() {
    window.removeEventListener("paste", this.onPaste);
  }
}

/**
 * Bars of sorted scores, and a line where the new one is.
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} scores
 * @param {number} mine
 */
function histogram(canvas, scores, mine) {
  const context = context2d(canvas);
  const style = getComputedStyle(document.documentElement);
  const [low, high] = [Math.min(scores[0], mine), Math.max(scores[Math.floor(0.995 * (scores.length - 1))], mine)];
  const bins = new Array(56).fill(0);
  const place = (/** @type {number} */ value) => (value - low) / Math.max(1e-9, high - low);
  scores.forEach((value) => value <= high && bins[Math.min(bins.length - 1, Math.floor(place(value) * bins.length))]++);
  const most = Math.max(...bins);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = style.getPropertyValue("--faint");
  context.globalAlpha = 0.5;
  const width = canvas.width / bins.length;
  const base = canvas.height - 24;
  bins.forEach((count, i) => context.fillRect(i * width, base - (count / most) * base, width - 2, (count / most) * base));
  context.globalAlpha = 1;
  context.fillStyle = style.getPropertyValue("--accent");
  context.fillRect(Math.min(canvas.width - 3, place(mine) * canvas.width), 0, 3, base);
  context.fillStyle = style.getPropertyValue("--faint");
  context.font = "18px system-ui, sans-serif";
  context.fillText(number(low, 0), 0, canvas.height - 4);
  const text = `${number(high, 0)} nats`;
  context.fillText(text, canvas.width - context.measureText(text).width, canvas.height - 4);
}

/** @type {import("./types").View} */
export const view = {
  name: "yours",
  title: "Your image",
  offered: (about) => about.can.encodes && about.can.uploads,
  open: (app, panel) => new Yours(app, panel),
};
