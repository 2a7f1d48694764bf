// @ts-check
// How a picture is shown to a model of binary pixels, to the bit as vaekit.data.view does it.

/** A permutation of the whole numbers below 2^32 that spreads them (the end of MurmurHash3). @param {number} n */
function mixed(n) {
  n = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  n = Math.imul(n ^ (n >>> 13), 0xc2b2ae35);
  return (n ^ (n >>> 16)) >>> 0;
}

/**
 * Zeros and ones, each one with the probability of its level: always the same for the same picture.
 * @param {ArrayLike<number>} levels of one picture, 0 to 255
 */
export function fixedDraw(levels) {
  let sum = 0;
  for (let i = 0; i < levels.length; i++) sum = (sum + Math.imul(levels[i], mixed(i + 1) | 1)) >>> 0;
  const key = mixed(sum);
  const drawn = new Float32Array(levels.length);
  for (let i = 0; i < levels.length; i++) {
    const r = mixed((key + Math.imul(i + 1, 0x9e3779b9)) >>> 0);
    drawn[i] = r * 255 < levels[i] * 2 ** 32 ? 1 : 0; // both products are exact: below 2^40
  }
  return drawn;
}

/**
 * A picture of levels as a model takes it.
 * @param {ArrayLike<number>} levels
 * @param {boolean} binary
 */
export function shown(levels, binary) {
  return binary ? fixedDraw(levels) : Float32Array.from(levels, (v) => v / 255);
}
