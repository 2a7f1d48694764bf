import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Data } from "../../../src/vaekit/explorer/page/data.js";
import { Local } from "../../../src/vaekit/explorer/page/local.js";
import { difference, folder, given } from "./given.js";

const asked = [];
/** Serves the files of an exported page, or fails as a network does. */
function serve(page) {
  globalThis.fetch = async (name) => {
    asked.push(name);
    if (page === null) throw new TypeError("fetch failed");
    try {
      return new Response(await readFile(join(folder, page, name)));
    } catch {
      return new Response(null, { status: 404 });
    }
  };
}
const numbers = (page, name) => given(`${page}/data/${name}`);

for (const { page, codes, classes, pictures, images, means, deviations, scores } of given("exported")) {
  const about = numbers(page, "about");
  const class_ = (k) => (classes ? classes[k] : null);

  test(`${page}: pictures are those of torch, at once and in parts`, async () => {
    serve(page);
    const local = await Local.load(about);
    const all = Float32Array.from(codes.flat());
    const found = await local.decode(all, classes);
    assert.ok(difference(found, pictures.flat()) <= 1, `${difference(found, pictures.flat())} levels`); // but for rounding
    assert.ok(found.filter((level, i) => level !== pictures.flat()[i]).length < 0.01 * found.length);
    const parts = [];
    let next = 0;
    await local.decode(all, classes, (levels, first) => {
      assert.equal(first, next);
      next += levels.length / pictures[0].length;
      parts.push(...levels);
    });
    assert.deepEqual(parts, [...found]);
    assert.deepEqual(await local.decode(Float32Array.from(codes[1]), class_(1)), found.slice(pictures[0].length, 2 * pictures[0].length));
  });

  if (means) test(`${page}: latents and scores are those of torch`, async () => {
    const local = await Local.load(about);
    for (const [k, image] of images.entries()) {
      const { mean, std, score } = await local.encode(Uint8Array.from(image), class_(k));
      assert.ok(difference(mean, means[k]) < 1e-4 && difference(std, deviations[k]) < 1e-4);
      if (scores) assert.ok(Math.abs(score - scores[k]) < 1e-4 * Math.abs(scores[k]), `${score} ${scores[k]}`);
      else assert.equal(score, null);
    }
  });

  if (means) test(`${page}: embeddings, classes and places of the data`, async () => {
    const data = new Data(about);
    const { points, labels } = given("data")[page];
    for (const [index, code] of Object.entries(points)) assert.ok(difference(await data.latents(Number(index)), code) === 0);
    assert.deepEqual([...(await data.labels())], labels);
    const before = asked.length;
    await Promise.all([data.latents(0), data.latents(1), data.labels()]);
    assert.equal(asked.length, before); // each file once
    if (!about.can.latent) return;
    const places = await data.places([2, 0]);
    assert.deepEqual([...places.subarray(0, 2)], [points[0][2], points[0][0]]);
  });
}

test("a longer work can be given up", async () => {
  const { page, codes, classes } = given("exported")[0];
  serve(page);
  const local = await Local.load(numbers(page, "about"));
  const given_up = new AbortController();
  const many = new Float32Array(20000 * codes[0].length);
  const work = local.decode(many, classes && classes[0], () => given_up.abort(), given_up.signal);
  await assert.rejects(work, { name: "AbortError" });
});

test("what cannot be loaded is one line, and is asked for again", async () => {
  const about = numbers("vae", "about");
  const data = new Data(about);
  serve(null);
  await assert.rejects(Local.load(about), /data\/(programs.json|weights.bin) cannot be reached/);
  await assert.rejects(data.labels(), /data\/labels.bin cannot be reached/);
  serve("nowhere");
  await assert.rejects(data.labels(), /data\/labels.bin: 404/);
  serve("vae");
  assert.ok((await data.labels()).length > 0);
});

test("a model of binary pixels is shown one draw of a picture", async () => {
  const { levels, drawn } = given("draws").at(-1);
  const identity = {
    registers: 1, inputs: [{ register: 0, shape: [1, levels.length] }], outputs: [0, 0], arrays: [], steps: [],
  };
  const about = { shape: [1, 1, levels.length], can: { length: 1 }, binary: true };
  const local = new Local(about, { pictures: identity, codes: identity, range: [0, 1], fit: "crop" }, new Float32Array(0));
  assert.deepEqual((await local.encode(Uint8Array.from(levels))).mean, drawn);
});
