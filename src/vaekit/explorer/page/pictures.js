// @ts-check
// Pixels on canvases: single pictures, strips, saving as PNG.
import { context2d, h, say } from "./dom.js";

/** @typedef {import("./types").Shape} Shape */

/**
 * RGBA of one picture from planar levels (C, H, W).
 * @param {ArrayLike<number>} levels
 * @param {Shape} shape
 */
export function toRGBA(levels, shape, offset = 0, out = new Uint8ClampedArray(4 * shape[1] * shape[2])) {
  const [channels, height, width] = shape;
  const size = height * width;
  for (let i = 0, o = 0; i < size; i++, o += 4) {
    const first = levels[offset + i];
    out[o] = first;
    out[o + 1] = channels > 1 ? levels[offset + size + i] : first;
    out[o + 2] = channels > 2 ? levels[offset + 2 * size + i] : channels === 1 ? first : 0;
    out[o + 3] = channels === 4 ? levels[offset + 3 * size + i] : 255;
  }
  return out;
}

/**
 * Planar levels (C, H, W) of RGBA pixels; grey as in ITU-R 601-2.
 * @param {ArrayLike<number>} rgba
 * @param {number} channels
 */
export function toLevels(rgba, channels) {
  const size = rgba.length / 4;
  const levels = new Uint8Array(channels * size);
  for (let i = 0; i < size; i++) {
    if (channels === 1) levels[i] = Math.round(0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2]);
    else for (let c = 0; c < channels; c++) levels[c * size + i] = rgba[4 * i + c];
  }
  return levels;
}

/** A canvas for one picture, at its own size; style.css enlarges it. */
export class Picture {
  /** @param {Shape} shape @param {string} label */
  constructor(shape, label) {
    this.shape = shape;
    this.canvas = h("canvas", { class: "picture", role: "img", "aria-label": label });
    [this.canvas.height, this.canvas.width] = [shape[1], shape[2]];
    this.context = context2d(this.canvas);
    this.data = this.context.createImageData(shape[2], shape[1]);
  }

  /** @param {ArrayLike<number>} levels */
  draw(levels, offset = 0) {
    toRGBA(levels, this.shape, offset, this.data.data);
    this.context.putImageData(this.data, 0, 0);
  }
}

/** Several pictures in rows on one canvas, one pixel apart. */
export class Sheet {
  /** @param {Shape} shape @param {number} columns @param {number} rows @param {string} label */
  constructor(shape, columns, rows, label, gap = 1) {
    this.shape = shape;
    this.columns = columns;
    this.rows = rows;
    this.gap = gap;
    this.canvas = h("canvas", { class: "sheet", role: "img", "aria-label": label });
    this.canvas.width = columns * (shape[2] + gap) - gap;
    this.canvas.height = rows * (shape[1] + gap) - gap;
    this.context = context2d(this.canvas);
    this.data = this.context.createImageData(shape[2], shape[1]);
  }

  /** Draws the pictures from place `start` on. @param {ArrayLike<number>} levels */
  draw(levels, start = 0) {
    const size = this.shape[0] * this.shape[1] * this.shape[2];
    for (let k = 0; k * size < levels.length; k++) {
      toRGBA(levels, this.shape, k * size, this.data.data);
      const [row, column] = [Math.floor((start + k) / this.columns), (start + k) % this.columns];
      const [x, y] = [column * (this.shape[2] + this.gap), row * (this.shape[1] + this.gap)];
      this.context.putImageData(this.data, x, y);
    }
  }

  /** Which picture is under a pointer. @param {MouseEvent} event */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const down = (event.clientY - box.top) / box.height;
    const column = Math.min(this.columns - 1, Math.max(0, Math.floor(across * this.columns)));
    const row = Math.min(this.rows - 1, Math.max(0, Math.floor(down * this.rows)));
    return row * this.columns + column;
  }
}

/**
 * Saves a canvas as PNG; small pictures are enlarged by a whole factor.
 * @param {HTMLCanvasElement} canvas
 * @param {string} name
 */
export function savePNG(canvas, name, least = 224) {
  const factor = Math.max(1, Math.ceil(least / Math.min(canvas.width, canvas.height)));
  const large = h("canvas");
  [large.width, large.height] = [canvas.width * factor, canvas.height * factor];
  const context = context2d(large);
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  large.toBlob((blob) => {
    if (blob === null) return say(`${name}.png is too large for this browser`, true);
    const link = h("a", { href: URL.createObjectURL(blob), download: `${name}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    return say(`Saved ${name}.png`);
  });
}

/**
 * A button that saves what `canvas()` returns.
 * @param {() => HTMLCanvasElement} canvas
 * @param {string} name
 * @param {number} [least] pixels of its shorter side
 */
export function saveButton(canvas, name, least) {
  return h("button", { class: "quiet", onclick: () => savePNG(canvas(), name, least) }, "Save PNG");
}
