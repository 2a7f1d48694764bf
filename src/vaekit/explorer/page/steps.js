// @ts-check
// The operations of a program: for each what computes its array from the operands, made once.
import { offsets, size, strideAt, strides } from "./arrays.js";
import { slide } from "./convolutions.js";

/** @typedef {import("./types").Register} Register */

/** @type {Record<import("./types").Unary, (v: number) => number>} */
const UNARY = {
  sigmoid: (v) => 1 / (1 + Math.exp(-v)), relu: (v) => (v > 0 ? v : 0), exp: Math.exp, expm1: Math.expm1,
  log: Math.log, log1p: Math.log1p, neg: (v) => -v, abs: Math.abs, tanh: Math.tanh, sqrt: Math.sqrt,
  reciprocal: (v) => 1 / v, floor: Math.floor, trunc: Math.trunc, sign: Math.sign, logical_not: (v) => (v ? 0 : 1),
  round: (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v)),
};

/** @type {Record<import("./types").Binary, (a: number, b: number) => number>} */
const BINARY = {
  add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b, pow: (a, b) => a ** b,
  maximum: (a, b) => (a > b ? a : b), minimum: (a, b) => (a < b ? a : b), gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0), lt: (a, b) => (a < b ? 1 : 0), le: (a, b) => (a <= b ? 1 : 0),
  eq: (a, b) => (a === b ? 1 : 0), floor_div: (a, b) => Math.floor(a / b), remainder: (a, b) => a - b * Math.floor(a / b),
};

/** @type {(f: (v: number) => number) => import("./types").Make<import("./types").Unary>} */
const ofOne = (f) => (_, [x], out) => () => {
  for (let i = 0; i < out.length; i++) out[i] = f(x.data[i]);
};

/** @type {(f: (a: number, b: number) => number) => import("./types").Make<import("./types").Binary>} */
const ofTwo = (f) => ({ shape, alpha = 1 }, [a, b], out) => {
  const scaled = alpha === 1 ? f : (/** @type {number} */ u, /** @type {number} */ v) => f(u, alpha * v);
  if (size(a.shape) === out.length && size(b.shape) === out.length) {
    return () => {
      for (let i = 0; i < out.length; i++) out[i] = scaled(a.data[i], b.data[i]);
    };
  }
  const [p, q] = [a, b].map((one) => offsets(shape, strides(one.shape, shape)));
  return () => {
    for (let i = 0; i < out.length; i++) out[i] = scaled(a.data[p[i]], b.data[q[i]]);
  };
};

/**
 * Steps that copy: output i is input `from[i]`.
 * @type {(x: Register, from: Int32Array, out: Float32Array) => () => void}
 */
const copied = (x, from, out) => () => {
  for (let i = 0; i < out.length; i++) out[i] = x.data[from[i]];
};

/**
 * Sums, means and maxima over some dimensions.
 * @type {import("./types").Make<"sum" | "mean" | "amax">}
 */
function reduce({ op, dims }, [x], out) {
  const kept = x.shape.map((length, d) => (dims.includes(d) ? 1 : length));
  const to = offsets(x.shape, strides(kept, x.shape));
  const sums = new Float64Array(out.length);
  const count = x.data.length / out.length;
  return () => {
    sums.fill(op === "amax" ? -Infinity : 0);
    for (let i = 0; i < to.length; i++) {
      if (op === "amax") sums[to[i]] = Math.max(sums[to[i]], x.data[i]);
      else sums[to[i]] += x.data[i];
    }
    for (let i = 0; i < out.length; i++) out[i] = op === "mean" ? sums[i] / count : sums[i];
  };
}

/**
 * Softmax along a dimension, or its logarithm.
 * @type {import("./types").Make<"softmax" | "log_softmax">}
 */
function softmax({ op, dim, shape }, [x], out) {
  const inner = strideAt(shape, dim);
  const length = shape[dim];
  return () => {
    for (let start = 0; start < out.length; start++) {
      if (Math.floor(start / inner) % length) continue;
      let most = -Infinity;
      for (let k = 0; k < length; k++) most = Math.max(most, x.data[start + k * inner]);
      let sum = 0;
      for (let k = 0; k < length; k++) sum += Math.exp(x.data[start + k * inner] - most);
      for (let k = 0; k < length; k++) {
        const value = x.data[start + k * inner] - most;
        out[start + k * inner] = op === "softmax" ? Math.exp(value) / sum : value - Math.log(sum);
      }
    }
  };
}

/**
 * alpha (B, I) x (I, O) + (O).
 * @type {import("./types").Make<"linear">}
 */
function linear({ alpha = 1 }, [x, weight, bias], out) {
  const [inner, wide] = weight.shape;
  return () => {
    const [a, w] = [x.data, weight.data];
    for (let row = 0, o = 0; o < out.length; row++, o += wide) {
      if (bias) out.set(bias.data, o);
      else out.fill(0, o, o + wide);
      for (let i = 0; i < inner; i++) {
        const value = alpha * a[row * inner + i];
        if (value === 0) continue;
        const at = i * wide;
        for (let j = 0; j < wide; j++) out[o + j] += value * w[at + j];
      }
    }
  };
}

/**
 * (N, R, I) x (N, I, W).
 * @type {import("./types").Make<"matmul">}
 */
function matmul({ shape }, [x, y], out) {
  const [batch, rows, wide] = shape;
  const inner = x.shape[2];
  return () => {
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < wide; j++) {
          let sum = 0;
          for (let k = 0; k < inner; k++) sum += x.data[(n * rows + i) * inner + k] * y.data[(n * inner + k) * wide + j];
          out[(n * rows + i) * wide + j] = sum;
        }
      }
    }
  };
}

/** @type {import("./types").Make<"where">} */
function where({ shape }, operands, out) {
  const places = operands.map((one) => offsets(shape, strides(one.shape, shape)));
  return () => {
    const [condition, a, b] = operands;
    for (let i = 0; i < out.length; i++) out[i] = condition.data[places[0][i]] ? a.data[places[1][i]] : b.data[places[2][i]];
  };
}

/** @type {import("./types").Make<"cat">} */
function cat({ shape, dim }, operands, out) {
  const inner = strideAt(shape, dim);
  const row = shape[dim] * inner;
  return () => {
    let start = 0;
    for (const one of operands) {
      const part = one.shape[dim] * inner;
      for (let k = 0; k * part < one.data.length; k++) out.set(one.data.subarray(k * part, (k + 1) * part), k * row + start);
      start += part;
    }
  };
}

/** @type {import("./types").Make<"pad">} */
function pad({ shape, sides, value }, [x], out) {
  const rank = shape.length;
  const steps = shape.map((_, d) => strideAt(shape, d));
  const start = steps.reduce((sum, step, d) => sum + step * (sides[2 * (rank - 1 - d)] ?? 0), 0);
  const to = offsets(x.shape, steps, start);
  return () => {
    out.fill(value);
    for (let i = 0; i < to.length; i++) out[to[i]] = x.data[i];
  };
}

/** @type {import("./types").Make<"slice">} */
function slice({ shape, dim, start, step }, [x], out) {
  const steps = x.shape.map((_, d) => strideAt(x.shape, d) * (d === dim ? step : 1));
  const kept = shape.length === x.shape.length ? shape : x.shape.map((length, d) => (d === dim ? 1 : length));
  return copied(x, offsets(kept, steps, start * strideAt(x.shape, dim)), out);
}

/**
 * A copy of x in which a slice is replaced.
 * @type {import("./types").Make<"scatter">}
 */
function scatter({ shape, dim, start, step }, [x, part], out) {
  const steps = shape.map((_, d) => strideAt(shape, d) * (d === dim ? step : 1));
  const to = offsets(part.shape, steps, start * strideAt(shape, dim));
  return () => {
    out.set(x.data);
    for (let i = 0; i < to.length; i++) out[to[i]] = part.data[i];
  };
}

/**
 * Rows of a table (N, ...) by their numbers.
 * @type {import("./types").Make<"rows">}
 */
function rowsOf(_, [table, numbers], out) {
  const width = strideAt(table.shape, 0);
  return () => {
    for (let i = 0; i < numbers.data.length; i++) {
      out.set(table.data.subarray(numbers.data[i] * width, (numbers.data[i] + 1) * width), i * width);
    }
  };
}

/**
 * Where the least is along a dimension: the first of equal ones.
 * @type {import("./types").Make<"argmin">}
 */
function argmin({ dim }, [x], out) {
  const [inner, length] = [strideAt(x.shape, dim), x.shape[dim]];
  return () => {
    for (let o = 0; o < out.length; o++) {
      const start = Math.floor(o / inner) * inner * length + (o % inner);
      let best = 0;
      for (let k = 1; k < length; k++) if (x.data[start + k * inner] < x.data[start + best * inner]) best = k;
      out[o] = best;
    }
  };
}

/** @type {import("./types").Make<"clamp">} */
function clamp({ low, high }, [x], out) {
  const [least, most] = [low ?? -Infinity, high ?? Infinity];
  return () => {
    for (let i = 0; i < out.length; i++) out[i] = Math.min(most, Math.max(least, x.data[i]));
  };
}

/**
 * A table of functions, each made into a step.
 * @template {string} K
 * @template F
 * @template M
 * @param {Record<K, F>} table
 * @param {(f: F) => M} made
 * @returns {Record<K, M>}
 */
function each(table, made) {
  const entries = /** @type {[K, F][]} */ (Object.entries(table));
  return /** @type {Record<K, M>} */ (Object.fromEntries(entries.map(([name, f]) => [name, made(f)])));
}

/** @type {import("./types").Makers} */
export const MAKE = {
  ...each(UNARY, ofOne),
  ...each(BINARY, ofTwo),
  linear, matmul, clamp, where, cat, pad, slice, scatter, argmin, softmax, rows: rowsOf, log_softmax: softmax,
  sum: reduce, mean: reduce, amax: reduce,
  convolution: (step, operands, out) => slide(step, operands, out, false),
  transposed: (step, operands, out) => slide(step, operands, out, true),
  fill: ({ value }, _, out) => () => out.fill(value),
  expand: ({ shape }, [x], out) => copied(x, offsets(shape, strides(x.shape, shape)), out),
  permute: ({ shape, order }, [x], out) => copied(x, offsets(shape, order.map((d) => strideAt(x.shape, d))), out),
};
