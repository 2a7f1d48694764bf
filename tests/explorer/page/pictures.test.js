import assert from "node:assert/strict";
import { test } from "node:test";
import { writeLevels } from "../../../src/vaekit/explorer/page/local.js";
import { reduced } from "../../../src/vaekit/explorer/page/pen.js";
import { toLevels, toRGBA } from "../../../src/vaekit/explorer/page/pictures.js";

const levels = (channels) => Uint8Array.from({ length: channels * 6 }, (_, i) => 10 * i);

test("planar levels and RGBA are inverse, for every number of channels", () => {
  for (const channels of [1, 3, 4]) {
    const planar = levels(channels);
    assert.deepEqual(toLevels(toRGBA(planar, [channels, 2, 3]), channels), planar);
  }
  assert.deepEqual([...toRGBA(levels(1), [1, 2, 3]).subarray(4, 8)], [10, 10, 10, 255]);
  assert.deepEqual([...toRGBA(levels(2), [2, 2, 3]).subarray(4, 8)], [10, 70, 0, 255]);
  assert.deepEqual([...toRGBA(levels(4), [4, 2, 3]).subarray(4, 8)], [10, 70, 130, 190]);
  assert.deepEqual([...toRGBA(Uint8Array.of(...levels(1), 7, 7, 7, 8, 8, 8), [1, 2, 3], 6).subarray(0, 4)], [7, 7, 7, 255]);
});

test("colours become grey by the weights of ITU-R 601-2", () => {
  assert.deepEqual([...toLevels([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255], 1)], [76, 150, 29]);
});

test("values become levels between the two ends of a range", () => {
  const found = new Uint8Array(7);
  writeLevels([-3, -1, 0, 1, 5], [-1, 1], found, 2);
  assert.deepEqual([...found], [0, 0, 0, 0, 128, 255, 255]);
});

test("a drawing is reduced to the means of its parts", () => {
  const [width, height] = [6, 4];
  const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i % 4 === 0 ? (i * 7) % 256 : 0));
  const block = (row, column) => {
    let sum = 0;
    for (const y of [2 * row, 2 * row + 1]) for (const x of [3 * column, 3 * column + 1, 3 * column + 2]) sum += rgba[4 * (y * width + x)];
    return Math.round(sum / 6);
  };
  const expected = [block(0, 0), block(0, 1), block(1, 0), block(1, 1)];
  assert.deepEqual([...reduced(rgba, width, height, [1, 2, 2])], expected);
  assert.deepEqual([...reduced(rgba, width, height, [4, 2, 2])], [...expected, ...expected, ...expected, 255, 255, 255, 255]);
});
