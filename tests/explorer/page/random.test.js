import assert from "node:assert/strict";
import { test } from "node:test";
import { Random, seeded } from "../../../src/vaekit/explorer/page/random.js";
import { difference, given } from "./given.js";

test("a seed gives the numbers that integer arithmetic gives", () => {
  for (const { seed, numbers } of given("random")) {
    const uniform = seeded(seed);
    assert.deepEqual(numbers.map(() => uniform() * 2 ** 32), numbers);
  }
});

test("draws are normal, by the normal's own distribution function", () => {
  const count = 20000;
  const values = [...new Random(seeded(1)).normals(count)].sort((a, b) => a - b);
  const { at, below } = given("normal"); // by statistics.NormalDist
  const shares = at.map((x) => values.filter((value) => value < x).length / count);
  assert.ok(difference(shares, below) < 1.63 / Math.sqrt(count)); // Kolmogorov & Smirnov, 1 %
});

test("the same seed, the same draws; whole numbers from 0 on", () => {
  assert.deepEqual(new Random(seeded(7)).normals(5), new Random(seeded(7)).normals(5));
  assert.notDeepEqual(new Random(seeded(7)).normals(5), new Random(seeded(8)).normals(5));
  const random = new Random(seeded(3));
  const counts = [0, 0, 0];
  for (let k = 0; k < 3000; k++) counts[random.below(3)]++;
  assert.ok(counts.every((count) => Math.abs(count - 1000) < 110), `${counts}`);
  assert.equal(new Random(() => 0).below(5), 0);
  assert.equal(new Random(() => 1 - 2 ** -53).below(5), 4);
});
