import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedDraw, shown } from "../../../src/vaekit/explorer/page/view.js";
import { given } from "./given.js";

for (const { levels, drawn } of given("draws")) {
  test(`a picture of ${levels.length} pixels is drawn as integer arithmetic has it`, () => {
    assert.deepEqual([...fixedDraw(levels)], drawn);
    assert.deepEqual([...shown(Uint8Array.from(levels), true)], drawn);
  });
}

test("the share of ones is the level, and black and white stay", () => {
  const [length, level] = [40000, 51];
  const share = fixedDraw(new Uint8Array(length).fill(level)).reduce((sum, v) => sum + v, 0) / length;
  const deviation = Math.sqrt(0.2 * 0.8 / length);
  assert.ok(Math.abs(share - level / 255) < 4 * deviation, `${share}`);
  assert.deepEqual([...fixedDraw([0, 255, 0, 255])], [0, 1, 0, 1]);
});

test("grey pictures are shown as they are", () => {
  assert.deepEqual([...shown(Uint8Array.of(0, 51, 255), false)], [0, 51, 255].map((v) => Math.fround(v / 255)));
});
