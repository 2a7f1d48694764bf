// @ts-check
// Convolutions (1, I, h, w) and transposed ones. Both let a kernel slide over the larger of two planes, a step for
// each place of the smaller; they differ in which of the two is read and which is written.

/** @typedef {import("./types").Register} Register */
/** @typedef {import("./types").Sliding} Sliding */

/**
 * For each tap of the kernel the rows on which both planes meet: flat triples of an offset into the small plane,
 * one into the large plane, and a length.
 * @param {number[]} kernel
 * @param {number[]} small height and width
 * @param {number[]} large height and width
 * @param {Sliding} sliding
 */
export function meetings([kh, kw], [rows, columns], [high, wide], { stride, padding }) {
  const found = [];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const first = Math.max(0, Math.ceil((padding[1] - j) / stride[1]));
      const last = Math.min(columns, Math.floor((wide - 1 + padding[1] - j) / stride[1]) + 1);
      const tap = [];
      for (let r = 0; r < rows && last > first; r++) {
        const y = r * stride[0] + i - padding[0];
        if (y < 0 || y >= high) continue;
        tap.push(r * columns + first, y * wide + j - padding[1] + first * stride[1], last - first);
      }
      found.push(Int32Array.from(tap));
    }
  }
  return found;
}

/**
 * A convolution: `out` is the small plane; transposed, it is the large one.
 * @param {{shape: number[]} & Sliding} step
 * @param {Register[]} operands x (1, I, h, w), weights, and a bias (O,) or none
 * @param {Float32Array} out
 * @param {boolean} transposed weights are (I, O, kh, kw), else (O, I, kh, kw)
 */
export function slide({ shape, stride, padding }, [x, weight, bias], out, transposed) {
  const [given, made] = [x.shape.slice(2), shape.slice(2)];
  const [inner, outer] = [given[0] * given[1], made[0] * made[1]];
  const [ins, outs] = [x.shape[1], shape[1]];
  const kernel = weight.shape.slice(2);
  const taps = meetings(kernel, transposed ? given : made, transposed ? made : given, { stride, padding });
  const [placeFrom, placeTo] = transposed ? [0, 1] : [1, 0];
  const [stepFrom, stepTo] = transposed ? [1, stride[1]] : [stride[1], 1];
  return () => {
    const [a, w] = [x.data, weight.data];
    for (let o = 0; o < outs; o++) {
      out.fill(bias ? bias.data[o] : 0, o * outer, (o + 1) * outer);
      for (let c = 0; c < ins; c++) {
        const at = (transposed ? c * outs + o : o * ins + c) * taps.length;
        for (let k = 0; k < taps.length; k++) {
          const [tap, value] = [taps[k], w[at + k]];
          if (value === 0) continue;
          for (let row = 0; row < tap.length; row += 3) {
            let [f, t] = [c * inner + tap[row + placeFrom], o * outer + tap[row + placeTo]];
            for (let n = tap[row + 2]; n > 0; n--, f += stepFrom, t += stepTo) out[t] += value * a[f];
          }
        }
      }
    }
  };
}
