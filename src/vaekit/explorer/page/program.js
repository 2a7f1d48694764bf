// @ts-check
// Runs the networks of an exported run: steps on Float32Arrays of fixed shape (written by program.py).
import { size } from "./arrays.js";
import { MAKE } from "./steps.js";

/** @typedef {import("./types").Register} Register */

/**
 * What computes the array of a step.
 * @param {import("./types").Step} step
 * @param {Register[]} operands
 * @param {Float32Array} out
 */
function make(step, operands, out) {
  if (!Object.hasOwn(MAKE, step.op)) throw new Error(`this page does not know the step ${step.op}`);
  const maker = /** @type {import("./types").Make<any>} */ (MAKE[step.op]);
  return maker(step, operands, out);
}

export class Program {
  /**
   * @param {import("./types").Written} written from programs.json
   * @param {Float32Array} weights all numbers
   */
  constructor(written, weights) {
    /** @type {Register[]} */
    const registers = new Array(written.registers);
    for (const { register, shape, at } of written.arrays) {
      registers[register] = { shape, data: weights.subarray(at, at + size(shape)) };
    }
    for (const { register, shape } of written.inputs) registers[register] = { shape, data: new Float32Array(size(shape)) };
    this.inputs = written.inputs.map(({ register }) => registers[register]);
    /** @type {(() => void)[]} */
    this.work = [];
    for (const step of written.steps) {
      const operands = step.in.map((register) => registers[register]);
      const data = step.op === "reshape" ? operands[0].data : new Float32Array(size(step.shape));
      registers[step.out] = { shape: step.shape, data };
      if (step.op !== "reshape") this.work.push(make(step, operands, data));
    }
    this.outputs = written.outputs.map((register) => registers[register]);
  }

  /**
   * Outputs, which the next run overwrites.
   * @param {ArrayLike<number>[]} inputs
   */
  run(...inputs) {
    inputs.forEach((values, k) => this.inputs[k].data.set(values));
    for (const step of this.work) step();
    return this.outputs.map(({ data }) => data);
  }
}
