// @ts-check
// Random draws, which a seed makes repeatable.

/**
 * Uniform numbers in [0, 1) that depend on the seed alone (mulberry32).
 * @param {number} seed
 */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Random {
  /** @param {() => number} uniform of numbers in [0, 1) */
  constructor(uniform = Math.random) {
    this.uniform = uniform;
  }

  /** A whole number from 0 to below `count`. @param {number} count */
  below(count) {
    return Math.floor(this.uniform() * count);
  }

  /** A draw from N(0, 1) (Box & Muller 1958). */
  normal() {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Draws from N(0, I). @param {number} length */
  normals(length) {
    return Float32Array.from({ length }, () => this.normal());
  }
}
