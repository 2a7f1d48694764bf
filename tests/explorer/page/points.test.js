import assert from "node:assert/strict";
import { test } from "node:test";
import { Camera } from "../../../src/vaekit/explorer/page/camera.js";
import { disc, paintPoints, press } from "../../../src/vaekit/explorer/page/painting.js";
import { Points } from "../../../src/vaekit/explorer/page/points.js";

function points(places, labels, hidden = []) {
  const made = new Points(hidden);
  made.places = Float32Array.from(places);
  made.labels = labels && Int16Array.from(labels);
  return made;
}

test("the nearest point that is seen, within reach", () => {
  const some = points([0, 0, 1, 0, 3, 4], [0, 1, 2]);
  assert.equal(some.nearest(0.6, 0, 1), 1);
  assert.equal(some.nearest(0.6, 0, 0.3), -1);
  some.show([1], false);
  assert.equal(some.nearest(0.6, 0, 1), 0);
  some.show([0, 2], false);
  assert.equal(some.nearest(0.6, 0, 100), -1);
  some.show([2], true);
  assert.equal(some.nearest(0, 0, 5.01), 2);
  assert.equal(some.nearest(0, 0, 4.99), -1);
});

test("without labels all points are seen, whatever is hidden", () => {
  const some = points([0, 0], null, [0, 3]);
  assert.ok(some.seen(0));
  assert.equal(some.label(0), -1);
});

const ABGR = ([r, g, b]) => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
const RGB = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];

test("a disc is blended channel by channel", () => {
  const [under, over, width] = [[10, 200, 90], [250, 30, 160], 11];
  const pixels = new Uint32Array(width * width).fill(ABGR(under));
  const stamp = disc(3, 0.5, width);
  press(pixels, 5 * width + 5, stamp, ABGR(over) & 0xffffff);
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      const share = Math.round(256 * 0.5 * Math.max(0, Math.min(1, 3.5 - Math.hypot(x - 5, y - 5)))) / 256;
      const expected = under.map((value, c) => Math.floor(value * (1 - share) + over[c] * share));
      assert.deepEqual(RGB(pixels[y * width + x]), expected, `${x} ${y}`);
    }
  }
});

test("points are painted where the camera has them, hidden ones and those outside not at all", () => {
  const camera = new Camera();
  Object.assign(camera, { x: 0, y: 0, span: 8, width: 80, height: 80 });
  const colours = { background: [0, 0, 0], classes: [[255, 0, 0], [0, 255, 0], [0, 0, 255]], plain: [9, 9, 9] };
  const pixels = new Uint32Array(80 * 80);
  paintPoints(pixels, points([1, 2, -2, -1, 0, 0, 100, 0], [0, 1, 2, 0], [2]), camera, colours, 1);
  const at = ([x, y]) => RGB(pixels[Math.round(y) * 80 + Math.round(x)]);
  const strong = Math.floor((255 * Math.round(256 * 0.8)) / 256);
  assert.deepEqual(at(camera.toScreen(1, 2)), [strong, 0, 0]);
  assert.deepEqual(at(camera.toScreen(-2, -1)), [0, strong, 0]);
  assert.deepEqual(at(camera.toScreen(0, 0)), [0, 0, 0]);
  const red = pixels.reduce((count, pixel) => count + Number(RGB(pixel)[0] > 0), 0);
  assert.ok(red > 4 && red < 60, `${red}`); // one disc
});
