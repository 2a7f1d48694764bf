// The networks, run by this page itself: for an exported run.
import { getBytes, getJSON } from "./data.js";
import { h } from "./dom.js";
import { Program } from "./program.js";

const PAUSE = 12; // milliseconds of work after which the page may draw

const pause = () => new Promise((resolve) => setTimeout(resolve));

/** The class of picture k, as an input of a program. */
const told = (classes, k) => (classes === null ? [] : [[Array.isArray(classes) ? classes[k] : classes]]);

export class Local {
  static async load(about) {
    const [written, weights] = await Promise.all([getJSON("programs.json"), getBytes("weights.bin")]);
    return new Local(about, written, new Float32Array(weights));
  }

  constructor(about, written, weights) {
    [this.about, this.written] = [about, written];
    this.programs = {};
    for (const name of ["pictures", "codes", "nats"]) {
      if (written[name]) this.programs[name] = new Program(written[name], weights);
    }
  }

  /** As in server.js. One picture is decoded at once, many with pauses. */
  async decode(codes, classes = null, part = null, signal = null) {
    const D = this.about.can.length;
    const count = codes.length / D;
    const values = this.about.shape.reduce((a, b) => a * b);
    const all = new Uint8Array(count * values);
    let [began, sent] = [performance.now(), 0];
    for (let k = 0; k < count; k++) {
      this.write(this.programs.pictures.run(codes.subarray(k * D, (k + 1) * D), ...told(classes, k))[0], all, k * values);
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

  write(picture, levels, at) {
    const [low, high] = this.written.range;
    const scale = 255 / Math.max(high - low, 1e-12);
    for (let i = 0; i < picture.length; i++) {
      levels[at + i] = Math.max(0, Math.min(255, Math.round((picture[i] - low) * scale)));
    }
  }

  async encode(levels, classes = null) {
    const x = Float32Array.from(levels, this.written.binary ? (v) => (v > 127 ? 1 : 0) : (v) => v / 255);
    const [mean, std] = this.programs.codes.run(x, ...told(classes, 0)).map((values) => [...values]);
    const score = this.programs.nats ? this.programs.nats.run(x, ...told(classes, 0))[0][0] : null;
    return { mean, std, score };
  }

  /** The browser reads the file and brings it to size; the server's is done as the run's data were. */
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
    const context = h("canvas", { width, height }).getContext("2d");
    context.fillStyle = channels === 4 ? "rgb(0 0 0 / 0)" : this.written.fit === "crop" ? "#ffffff" : "#000000";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    const [w, tall] = [image.width * scale, image.height * scale];
    context.drawImage(image, (width - w) / 2, (height - tall) / 2, w, tall);
    const { data } = context.getImageData(0, 0, width, height);
    const levels = new Uint8Array(channels * height * width);
    for (let i = 0; i < height * width; i++) {
      const [r, g, b, a] = data.subarray(4 * i, 4 * i + 4);
      // grey as in ITU-R 601-2
      if (channels === 1) levels[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
      else [r, g, b, a].slice(0, channels).forEach((v, c) => (levels[c * height * width + i] = v));
    }
    return levels;
  }
}
