// @ts-check
// The drawing area: a canvas many times as large as the model's pictures.
import { context2d, h } from "./dom.js";
import { toRGBA } from "./pictures.js";

const PAD = 280; // pixels of the canvas, shorter side

/**
 * A picture at another size: each pixel the mean of those that it covers. Grey, the same in every channel; a
 * fourth channel is opaque.
 * @param {ArrayLike<number>} rgba
 * @param {number} width
 * @param {number} height
 * @param {import("./types").Shape} shape
 */
export function reduced(rgba, width, height, [channels, rows, columns]) {
  const sums = new Float64Array(rows * columns);
  const counts = new Float64Array(rows * columns);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height) * columns;
    for (let x = 0; x < width; x++) {
      const at = row + Math.floor((x * columns) / width);
      sums[at] += rgba[4 * (y * width + x)];
      counts[at] += 1;
    }
  }
  const levels = new Uint8Array(channels * rows * columns).fill(255);
  for (let c = 0; c < Math.min(3, channels); c++) {
    for (let i = 0; i < sums.length; i++) levels[c * sums.length + i] = Math.round(sums[i] / counts[i]);
  }
  return levels;
}

export class Pen {
  /**
   * @param {import("./types").Shape} shape
   * @param {boolean} light draws light on dark
   * @param {() => void} drawn is called after each stroke
   */
  constructor(shape, light, drawn) {
    this.shape = shape;
    this.light = light;
    this.drawn = drawn;
    this.width = 0.09; // of a line, as a share of the shorter side
    const [, height, width] = shape;
    const scale = PAD / Math.min(height, width);
    this.canvas = h("canvas", { class: "pad", role: "img", "aria-label": "Drawing area: draw with the mouse or a finger, or choose a file below" });
    this.canvas.height = Math.round(height * scale);
    this.canvas.width = Math.round(width * scale);
    this.context = context2d(this.canvas, { willReadFrequently: true });
    /** @type {[number, number] | null} */
    this.last = null;
    this.clear();
    this.listen();
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.last = null;
      this.stroke(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.last && this.stroke(event));
    this.canvas.addEventListener("pointerup", () => (this.last = null));
  }

  /** A line from the last place to the pointer. @param {PointerEvent} event */
  stroke(event) {
    const { canvas, context } = this;
    const box = canvas.getBoundingClientRect();
    /** @type {[number, number]} */
    const now = [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
    context.strokeStyle = this.light ? "#ffffff" : "#000000";
    context.lineWidth = this.width * Math.min(canvas.width, canvas.height);
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...(this.last ?? now));
    context.lineTo(...now);
    context.stroke();
    this.last = now;
    this.drawn();
  }

  clear() {
    this.context.fillStyle = this.light ? "#000000" : "#ffffff";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  invert() {
    this.light = !this.light;
    const image = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    image.data.forEach((value, i) => i % 4 < 3 && (image.data[i] = 255 - value));
    this.context.putImageData(image, 0, 0);
  }

  /** Puts a picture (C, H, W) of the model's size onto the canvas. @param {ArrayLike<number>} levels */
  put(levels) {
    const [, height, width] = this.shape;
    const small = h("canvas", { width, height });
    context2d(small).putImageData(new ImageData(toRGBA(levels, this.shape), width, height), 0, 0);
    this.context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** The drawing at the model's size (C, H, W). */
  levels() {
    const { width, height } = this.canvas;
    return reduced(this.context.getImageData(0, 0, width, height).data, width, height, this.shape);
  }
}
