// @ts-check
// The networks, run by this page itself: for an exported run.
import { getBytes, getJSON } from "./data.js";
import { context2d, h } from "./dom.js";
import { toLevels } from "./pictures.js";
import { Program } from "./program.js";
import { shown } from "./view.js";

/** @typedef {import("./types").Engine} Engine */

const PAUSE = 12; // milliseconds of work after which the page may draw

const pause = () => new Promise((resolve) => setTimeout(resolve));

/**
 * The class of picture k, as an input of a program.
 * @param {import("./types").Classes} classes
 * @param {number} k
 */
const given = (classes, k) => (classes === null ? [] : [[Array.isArray(classes) ? classes[k] : classes]]);

/**
 * Writes the values of a picture as levels.
 * @param {ArrayLike<number>} picture
 * @param {number[]} range values that become 0 and 255
 * @param {Uint8Array} levels
 * @param {number} at
 */
export function writeLevels(picture, [low, high], levels, at) {
  const scale = 255 / Math.max(high - low, 1e-12);
  for (let i = 0; i < picture.length; i++) {
    levels[at + i] = Math.max(0, Math.min(255, Math.round((picture[i] - low) * scale)));
  }
}

/** @implements {Engine} */
export class Local {
  /** @param {import("./types").About} about */
  static async load(about) {
    const [written, weights] = await Promise.all([getJSON("programs.json"), getBytes("weights.bin")]);
    return new Local(about, written, new Float32Array(weights));
  }

  /**
   * @param {import("./types").About} about
   * @param {import("./types").Programs} written
   * @param {Float32Array} weights
   */
  constructor(about, written, weights) {
    this.about = about;
    this.written = written;
    this.pictures = new Program(written.pictures, weights);
    this.codes = written.codes && new Program(written.codes, weights);
    this.nats = written.nats && new Program(written.nats, weights);
  }

  /**
   * As in server.js. One picture is decoded at once, many with pauses.
   * @type {Engine["decode"]}
   */
  async decode(latents, classes = null, part = null, signal = null) {
    const D = this.about.can.length;
    const count = latents.length / D;
    const values = this.about.shape.reduce((a, b) => a * b);
    const all = new Uint8Array(count * values);
    let [began, sent] = [performance.now(), 0];
    for (let k = 0; k < count; k++) {
      const [picture] = this.pictures.run(latents.subarray(k * D, (k + 1) * D), ...given(classes, k));
      writeLevels(picture, this.written.range, all, k * values);
      if (count > 1 && performance.now() - began > PAUSE) {
        if (part) part(all.subarray(sent * values, (k + 1) * values), sent);
        sent = k + 1;
        await pause();
        if (signal?.aborted) throw new DOMException("superseded", "AbortError");
        began = performance.now();
      }
    }
    if (part && sent < count) part(all.subarray(sent * values), sent);
    return all;
  }

  /** @type {Engine["encode"]} */
  async encode(levels, classes = null) {
    if (!this.codes) throw new Error("this model does not encode images");
    const x = shown(levels, this.about.binary);
    const [mean, std] = this.codes.run(x, ...given(classes, 0)).map((values) => [...values]);
    const score = this.nats ? this.nats.run(x, ...given(classes, 0))[0][0] : null;
    return { mean, std, score };
  }

  /**
   * The browser reads the file and brings it to size; the server's is done as the run's data were.
   * @param {File} file
   */
  async readImage(file) {
    let image;
    try {
      image = await createImageBitmap(file, { premultiplyAlpha: "none" });
    } catch {
      throw new Error("this cannot be read as an image");
    }
    const [channels, height, width] = this.about.shape;
    const cover = this.written.fit === "crop" ? Math.max : Math.min;
    const scale = cover(width / image.width, height / image.height);
    const context = context2d(h("canvas", { width, height }));
    context.fillStyle = channels === 4 ? "rgb(0 0 0 / 0)" : this.written.fit === "crop" ? "#ffffff" : "#000000";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    const [w, tall] = [image.width * scale, image.height * scale];
    context.drawImage(image, (width - w) / 2, (height - tall) / 2, w, tall);
    return toLevels(context.getImageData(0, 0, width, height).data, channels);
  }
}
