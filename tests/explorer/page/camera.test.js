import assert from "node:assert/strict";
import { test } from "node:test";
import { Camera } from "../../../src/vaekit/explorer/page/camera.js";
import { difference, given } from "./given.js";

function camera(x, y, span, width = 800, height = 400) {
  const made = new Camera();
  Object.assign(made, { x, y, span, width, height });
  return made;
}
const near = (ours, theirs, most = 1e-9) => assert.ok(difference(ours, theirs) < most, `${ours} is not ${theirs}`);

test("the middle is the middle, the span fills the shorter side, and up is up", () => {
  const one = camera(1, -2, 4);
  near(one.toScreen(1, -2), [400, 200]);
  near(one.toScreen(1, 0), [400, 0]); // half a span up: the upper edge
  near(one.toScreen(3, -2), [600, 200]); // half a span to the right: half of the height
  assert.equal(one.unit, 0.01);
});

test("places and pixels are inverse", () => {
  const one = camera(0.3, 0.7, 2.5, 640, 481);
  for (const [x, y] of [[0, 0], [-3.25, 8], [0.3, 0.7]]) near(one.toPlane(...one.toScreen(x, y)), [x, y]);
  for (const pixel of [[0, 0], [639, 480], [17.5, 203]]) near(one.toScreen(...one.toPlane(...pixel)), pixel);
});

test("a drag takes the place under the pointer along", () => {
  const one = camera(0.3, 0.7, 2.5);
  const place = one.toPlane(100, 150);
  one.pan(30, -20);
  near(one.toScreen(...place), [130, 130]);
});

test("zooming leaves its place where it is, and ends at both ends", () => {
  const one = camera(0.3, 0.7, 2.5);
  const place = one.toPlane(700, 33);
  one.zoom(1.4, place);
  near(one.toScreen(...place), [700, 33]);
  near([one.span], [2.5 / 1.4]);
  one.zoom(1 / 1.4, place);
  near([one.x, one.y, one.span], [0.3, 0.7, 2.5]);
  one.zoom(1e9);
  assert.equal(one.span, 1e-3);
  one.zoom(1e-12);
  assert.equal(one.span, 1e4);
  near([one.x, one.y], [0.3, 0.7]);
});

test("all points but strays are in view", () => {
  const { places, middle, span } = given("fit");
  const one = camera(0, 0, 1);
  one.fit(Float32Array.from(places));
  near([one.x, one.y, one.span], [...middle, span], 1e-5);
});

test("points at one place have a span too", () => {
  const one = camera(0, 0, 1);
  one.fit(Float32Array.of(2, 3, 2, 3));
  near([one.x, one.y, one.span], [2, 3, 1.08e-3]);
});

test("a view comes back from its text, and nonsense changes nothing", () => {
  const one = camera(1.23456789, -2, 4);
  assert.deepEqual(one.values(), [1.2346, -2, 4]);
  const other = camera(0, 0, 1);
  assert.ok(other.look(one.values()));
  assert.deepEqual(other.values(), one.values());
  for (const values of [[], [1, 2], [1, 2, 0], [1, 2, -1], [NaN, 0, 1], [1, 2, Infinity], [1, 2, 3, 4]]) {
    assert.equal(other.look(values), false);
    assert.deepEqual(other.values(), one.values());
  }
});
