import assert from "node:assert/strict";
import { test } from "node:test";
import { between } from "../../../src/vaekit/explorer/page/between.js";
import { along, axesText, dimensionNames, planeOf } from "../../../src/vaekit/explorer/page/plane.js";
import { difference, given } from "./given.js";

const near = (ours, theirs, most = 1e-5) => assert.ok(difference(ours, theirs) < most, `${ours} is not ${theirs}`);
const plane = { directions: [[0.6, 0.8, 0], [0, 0, 1]], labels: ["one ", " two"] };
const about = {
  random: true, can: { latent: 3 }, plane,
  dimensions: [{ index: 2, relevance: 1.234 }, { index: 0, relevance: 0.5 }, { index: 1, relevance: 0 }],
};

test("a move in the principal plane changes the place and nothing across it", () => {
  const { z, place, moved } = given("plane"); // by least squares in Python, with its own directions
  const ours = planeOf({ ...about, can: { latent: z.length }, plane: given("plane") }, null);
  near(ours.move(Float32Array.from(z), ...place), moved);
  near(along(ours, moved), place);
});

test("two latents are a plane of their own", () => {
  const ours = planeOf(about, [2, 1]);
  assert.deepEqual(ours.directions, [[0, 0, 1], [0, 1, 0]]);
  assert.deepEqual(along(ours, [5, 6, 7]), [7, 6]);
  assert.deepEqual([...ours.move(Float32Array.of(5, 6, 7), -1, 9)], [5, 9, -1]);
  assert.equal(axesText(ours), "Across: z2 (1.23 nats); up: z1 (0.00 nats)");
});

test("dimensions are named with their relevance", () => {
  assert.deepEqual(dimensionNames(about)[0], [2, "z2 (1.23 nats)"]);
  assert.deepEqual(dimensionNames({ ...about, random: false })[1], [0, "z0 (0.50 variance)"]);
  assert.deepEqual(dimensionNames({ ...about, dimensions: [{ index: 4, relevance: null }] }), [[4, "z4"]]);
});

test("between two latents lies the line, or the arc of constant angle", () => {
  const { a, b, arc } = given("arc");
  for (const { t, code } of arc) near(between(Float32Array.from(a), Float32Array.from(b), t, true), code);
  near(between(Float32Array.of(1, 2), Float32Array.of(3, -2), 0.25, false), [1.5, 1]);
  near(between(Float32Array.of(1, 0), Float32Array.of(2, 0), 0.25, true), [1.25, 0]); // no arc: a line
  near(between(Float32Array.of(0, 0), Float32Array.of(2, 0), 0.5, true), [1, 0]);
});
