// @ts-check
// Shapes: how the numbers of an array (row-major) are found.

/** @type {(shape: readonly number[]) => number} */
export const size = (shape) => shape.reduce((product, length) => product * length, 1);

/** @type {(shape: number[], d: number) => number} */
export const strideAt = (shape, d) => size(shape.slice(d + 1));

/**
 * Strides of a shape, 0 where it is broadcast to another.
 * @param {number[]} shape
 * @param {number[]} to
 */
export function strides(shape, to = shape) {
  const own = new Array(to.length).fill(0);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    own[d + to.length - shape.length] = shape[d] === 1 ? 0 : step;
    step *= shape[d];
  }
  return own;
}

/**
 * Offsets into an array for every place of a shape, given strides: worked out once, when a program is loaded.
 * @param {number[]} shape
 * @param {number[]} steps
 */
export function offsets(shape, steps, start = 0) {
  const found = new Int32Array(size(shape));
  const place = new Array(shape.length).fill(0);
  let at = start;
  for (let i = 0; i < found.length; i++) {
    found[i] = at;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += steps[d];
      if (++place[d] < shape[d]) break;
      at -= steps[d] * shape[d];
      place[d] = 0;
    }
  }
  return found;
}
