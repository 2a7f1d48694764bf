// @ts-check
// What part of the plane the map shows: a square of `span` around (x, y), at least.

const [LEAST, MOST] = [1e-3, 1e4]; // span
const STRAYS = 0.002; // share of the points on each side that need not be seen

export class Camera {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.span = 1;
    this.width = 1; // of the canvas, in its own pixels
    this.height = 1;
  }

  /** Latent units per pixel of the canvas. */
  get unit() {
    return this.span / Math.min(this.width, this.height);
  }

  /** Pixel (x, y) of a place. @param {number} x @param {number} y @returns {[number, number]} */
  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) / this.unit, this.height / 2 - (y - this.y) / this.unit];
  }

  /** Place (x, y) of a pixel. @param {number} x @param {number} y @returns {[number, number]} */
  toPlane(x, y) {
    return [this.x + (x - this.width / 2) * this.unit, this.y - (y - this.height / 2) * this.unit];
  }

  /** Moves with a drag of the map by pixels. @param {number} across @param {number} down */
  pan(across, down) {
    this.x -= across * this.unit;
    this.y += down * this.unit;
  }

  /** Enlarges around a place, which stays where it is. @param {number} factor @param {[number, number]} place */
  zoom(factor, [x, y] = [this.x, this.y]) {
    const span = Math.min(MOST, Math.max(LEAST, this.span / factor));
    const ratio = span / this.span;
    this.x = x + (this.x - x) * ratio;
    this.y = y + (this.y - y) * ratio;
    this.span = span;
  }

  /** Shows a square around nearly all points: one stray cannot shrink all. @param {Float32Array} places (N, 2) */
  fit(places) {
    const count = places.length / 2;
    const range = (/** @type {number} */ axis) => {
      const values = Float32Array.from({ length: count }, (_, i) => places[2 * i + axis]).sort();
      return [values[Math.floor(STRAYS * (count - 1))], values[Math.ceil((1 - STRAYS) * (count - 1))]];
    };
    const [across, up] = [range(0), range(1)];
    this.x = (across[0] + across[1]) / 2;
    this.y = (up[0] + up[1]) / 2;
    this.span = Math.max(across[1] - across[0], up[1] - up[0], 1e-3) * 1.08;
  }

  /** Takes what `values` gave; false where these are none. @param {number[]} values */
  look(values) {
    const fits = values.length === 3 && values.every(Number.isFinite) && values[2] > 0;
    if (fits) [this.x, this.y, this.span] = values;
    return fits;
  }

  /** x, y and span, five digits each. */
  values() {
    return [this.x, this.y, this.span].map((value) => Number(value.toPrecision(5)));
  }
}
