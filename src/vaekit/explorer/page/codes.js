// @ts-check
// A grid of codes: click a cell, choose another code, see the picture change.
import { context2d, h, latest, say } from "./dom.js";
import { Picture, Sheet, saveButton } from "./pictures.js";

const PAGE = 48; // codes shown at a time
const COLUMNS = 12;

/** @typedef {import("./app.js").App} App */

class Codes {
  /** @param {App} app @param {HTMLElement} panel */
  constructor(app, panel) {
    this.app = app;
    const { about, state } = app;
    const [rows, columns] = about.can.grid ?? [0, 0];
    this.rows = rows;
    this.columns = columns;
    const cells = this.rows * this.columns;
    const given = Number(state.option("cell") ?? NaN);
    this.cell = Number.isInteger(given) && given >= 0 && given < cells ? given
      : Math.floor(this.rows / 2) * this.columns + Math.floor(this.columns / 2);
    const page = Number(state.option("page") ?? NaN);
    this.first = Number.isInteger(page) && page >= 0 && page * PAGE < about.can.codes ? page * PAGE : this.pageOf(this.cell);
    this.picture = new Picture(about.shape, "The picture under the grid of codes");
    this.overlay = h("canvas", {
      class: "overlay", tabindex: "0", role: "application", width: 560, height: Math.round((560 * about.shape[1]) / about.shape[2]),
      "aria-label": "Grid of codes. Arrow keys choose a cell, plus and minus change its code.",
    });
    this.overlay.addEventListener("click", (event) => this.click(event));
    this.overlay.addEventListener("keydown", (event) => this.key(event));
    this.sheet = new Sheet(about.shape, COLUMNS, Math.ceil(Math.min(PAGE, about.can.codes) / COLUMNS), "The picture with other codes in the chosen cell", 2);
    this.sheet.canvas.addEventListener("click", (event) => this.put(this.first + this.sheet.at(event)));
    this.text = h("p", { "aria-live": "polite" });
    const put = () => this.put(Number(this.number.value));
    this.number = h("input", { type: "number", min: "0", max: String(about.can.codes - 1), step: "1", onchange: put });
    this.range = h("span", { class: "faint" });
    this.shown = latest(async () => this.picture.draw(await app.engine.decode(state.z)));
    this.draw = latest(() => this.palette());
    this.turns = about.can.codes > PAGE ? [-1, 1].map((by) => h("button", { onclick: () => this.turn(by) }, by < 0 ? "Codes before" : "Codes after")) : [];
    panel.append(
      h("p", { class: "faint" }, `${this.rows} × ${this.columns} cells, each one of ${about.can.codes} codes. Click a cell, then a picture below: the same with that code in the cell.`),
      h("div", { class: "codes" },
        h("div", { class: "under" }, this.picture.canvas, this.overlay),
        h("div", {}, this.text, h("label", { class: "field" }, h("span", {}, "Its code"), this.number))),
      h("div", { class: "fields" }, this.turns,
        this.range, saveButton(() => this.sheet.canvas, `${about.run}-codes`, 56)),
      this.sheet.canvas);
    this.show();
  }

  /** Another page of codes. @param {number} by */
  turn(by) {
    const last = Math.floor((this.app.about.can.codes - 1) / PAGE) * PAGE;
    this.first = Math.max(0, Math.min(last, this.first + by * PAGE));
    this.app.state.set("page", this.first / PAGE);
    this.draw();
  }

  /** @param {MouseEvent} event */
  click(event) {
    const box = this.overlay.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
    this.choose(Math.max(0, Math.min(this.rows - 1, row)) * this.columns + Math.max(0, Math.min(this.columns - 1, column)));
  }

  /** The first code of the page that a cell's code is on. @param {number} cell */
  pageOf(cell) {
    return Math.floor(this.app.state.z[cell] / PAGE) * PAGE;
  }

  /** @param {number} cell */
  choose(cell) {
    this.cell = cell;
    this.app.state.set("cell", cell);
    this.update();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    const change = { "+": 1, "=": 1, "-": -1 }[event.key];
    if (!step && !change) return;
    event.preventDefault();
    const cell = this.cell + (step ?? 0);
    if (change) this.put(this.app.state.z[this.cell] + change);
    else if (cell >= 0 && cell < this.rows * this.columns) this.choose(cell);
  }

  /** Puts a code into the chosen cell. @param {number} code */
  put(code) {
    if (!Number.isInteger(code) || code < 0 || code >= this.app.about.can.codes) {
      say(`Codes go from 0 to ${this.app.about.can.codes - 1}.`, true);
      return;
    }
    const z = Float32Array.from(this.app.state.z);
    z[this.cell] = code;
    this.app.state.go(z);
  }

  async palette() {
    const { engine, state, about } = this.app;
    const count = Math.min(PAGE, about.can.codes - this.first);
    const codes = new Float32Array(count * about.can.length);
    for (let k = 0; k < count; k++) {
      codes.set(state.z, k * about.can.length);
      codes[k * about.can.length + this.cell] = this.first + k;
    }
    this.turns.forEach((button, k) => (button.disabled = k ? this.first + PAGE >= about.can.codes : this.first === 0));
    this.range.textContent = `codes ${this.first} to ${this.first + count - 1}`;
    const levels = await engine.decode(codes);
    this.sheet.context.clearRect(0, 0, this.sheet.canvas.width, this.sheet.canvas.height);
    this.sheet.draw(levels);
  }

  grid() {
    const context = context2d(this.overlay);
    const { width, height } = this.overlay;
    const [w, tall] = [width / this.columns, height / this.rows];
    context.clearRect(0, 0, width, height);
    context.strokeStyle = "rgb(128 128 128 / .45)";
    context.lineWidth = 1;
    for (let cell = 0; cell < this.rows * this.columns; cell++) {
      context.strokeRect((cell % this.columns) * w, Math.floor(cell / this.columns) * tall, w, tall);
    }
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
    context.lineWidth = 5;
    context.strokeRect((this.cell % this.columns) * w, Math.floor(this.cell / this.columns) * tall, w, tall);
  }

  /** The page of codes is that of the cell's code, until it is turned. */
  update() {
    this.first = this.pageOf(this.cell);
    this.app.state.set("page", null);
    this.show();
  }

  show() {
    const code = this.app.state.z[this.cell];
    this.number.value = String(code);
    this.text.textContent = `Row ${Math.floor(this.cell / this.columns) + 1}, column ${(this.cell % this.columns) + 1}: code ${code}.`;
    this.grid();
    this.shown();
    this.draw();
  }
}

/** @type {import("./types").View} */
export const view = {
  name: "codes",
  title: "Codes",
  offered: (about) => about.can.grid !== null,
  open: (app, panel) => new Codes(app, panel),
};
