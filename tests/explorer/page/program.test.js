import assert from "node:assert/strict";
import { test } from "node:test";
import { Program } from "../../../src/vaekit/explorer/page/program.js";
import { MAKE } from "../../../src/vaekit/explorer/page/steps.js";
import { difference, given } from "./given.js";

const cases = given("operations");

/** Float32 numbers of a text of base64. */
const numbers = (text) => new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);

for (const { name, written, weights, inputs, outputs } of cases) {
  test(`${name} as torch computes it`, () => {
    const program = new Program(written, numbers(weights));
    for (let k = 0; k < inputs.length; k++) { // one after another: nothing may be left from the last
      const found = program.run(...inputs[k]);
      assert.equal(found.length, outputs[k].length);
      for (const [i, values] of outputs[k].entries()) {
        const scale = Math.max(1, ...values.map(Math.abs));
        assert.ok(difference(found[i], values) <= 2e-6 * scale, `${difference(found[i], values)} of ${scale}`);
      }
    }
  });
}

test("the cases have every operation that the page knows", () => {
  const used = new Set(cases.flatMap(({ written }) => written.steps.map(({ op }) => op)));
  assert.deepEqual([...used].sort(), [...Object.keys(MAKE), "reshape"].sort());
});

test("an operation that the page does not know is named", () => {
  const step = { op: "toString", in: [0], out: 1, shape: [1] };
  const written = { registers: 2, inputs: [{ register: 0, shape: [1] }], outputs: [1], arrays: [], steps: [step] };
  assert.throws(() => new Program(written, new Float32Array(0)), /does not know the step toString/);
});
