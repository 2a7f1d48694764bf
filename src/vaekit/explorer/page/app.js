// @ts-check
// What the views share: the run, its data, the networks, the current place and its picture.
import { latest } from "./dom.js";
import { Picture } from "./pictures.js";
import { Random } from "./random.js";
import { State } from "./state.js";

export class App {
  /**
   * @param {import("./types").About} about
   * @param {import("./data.js").Data} data
   * @param {import("./types").Engine} engine
   */
  constructor(about, data, engine) {
    this.about = about;
    this.data = data;
    this.engine = engine;
    this.random = new Random();
    this.state = new State(about, Float32Array.from(about.start));
    this.picture = new Picture(about.shape, "Current picture");
    this.picture.canvas.id = "picture";
    this.drawn = 0;
    /** What the place is that the page goes to next, in words; "" where one goes by hand. */
    this.coming = "";
    this.shown = latest(async (/** @type {Float32Array} */ z, /** @type {number | null} */ y) => {
      this.picture.draw(await engine.decode(z, y));
      this.picture.canvas.dataset.drawn = String(++this.drawn);
    });
  }

  /** The class under which pictures are decoded; null where the model asks for none. */
  get y() {
    return this.about.can.classes ? this.state.y : null;
  }

  /** Shows latents for a moment, without going there; null shows the place where one is. @param {Float32Array | null} z */
  preview(z) {
    return this.shown(Float32Array.from(z ?? this.state.z), this.y);
  }

  /** Goes to an image's place: a conditional model shows it under its own class. @param {number} index */
  goImage(index) {
    const coming = Promise.all([this.data.latents(index), this.data.labels()]);
    return this.state.follow(coming.then(([z, labels]) => {
      this.coming = `Image ${index}${labels ? `, class ${this.className(labels[index])}` : ""}, as the model rebuilds it.`;
      return { z, y: this.about.can.classes && labels ? labels[index] : undefined };
    }));
  }

  /** Name of a class. @param {number} number */
  className(number) {
    return this.about.class_names[number] ?? String(number);
  }

  /** Number and name of the first classes. @param {number} count @returns {[number, string][]} */
  classChoices(count) {
    return Array.from({ length: count }, (_, c) => [c, this.className(c)]);
  }
}
