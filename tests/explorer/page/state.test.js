import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { State, latentsOf, numbersOf, textOf } from "../../../src/vaekit/explorer/page/state.js";
import { browser } from "./browser.js";

const LATENT = { can: { codes: 0, classes: 10 }, start_class: 3 };
const GRID = { can: { codes: 64, classes: 0 }, start_class: 0 };
const START = Float32Array.of(0.5, 0, -1);

function state(hash, about = LATENT, start = START) {
  const page = browser(hash);
  return { page, one: new State(about, start) };
}

test("an empty address is the start", () => {
  const { one } = state("");
  assert.deepEqual([[...one.z], one.y, one.view, one.more], [[...START], 3, "", {}]);
});

test("what a state writes, another reads", () => {
  const { one } = state("");
  one.view = "map";
  one.go([1.23456, -2, 0], { y: 7 });
  one.set("map", "1,2,0.5");
  one.set("path", "a&b=ü");
  const { one: other } = state(`#${one.text()}`);
  assert.deepEqual([[...other.z].map((v) => Number(v.toFixed(6))), other.y, other.view], [[1.2346, -2, 0], 7, "map"]);
  assert.equal(other.option("map"), "1,2,0.5");
  assert.equal(other.option("path"), "a&b=ü");
  assert.equal(other.option("none"), null);
  assert.equal(other.text(), one.text());
  assert.ok(one.text().startsWith("view=map&z=1.2346,-2,0&y=7&map=1,2,0.5"));
});

test("latents that do not fit are the start, and a class that is none the first", () => {
  for (const hash of ["z=a,b,c", "z=1,2", "z=1,2,3,4", "z=1e9,0,0", "z=NaN,0,0", "z=", "z=Infinity,0,0"]) {
    assert.deepEqual([...state(`#${hash}`).one.z], [...START], hash);
  }
  for (const y of ["-1", "10", "1.5", "x"]) assert.equal(state(`#y=${y}`).one.y, 3, y);
  assert.equal(state("#y=9").one.y, 9);
  assert.equal(state("#y=0").one.y, 0);
});

test("codes of a codebook are whole numbers below its size", () => {
  const start = Float32Array.of(1, 2);
  assert.deepEqual([...state("#z=63,0", GRID, start).one.z], [63, 0]);
  for (const z of ["64,0", "-1,0", "1.5,0"]) assert.deepEqual([...state(`#z=${z}`, GRID, start).one.z], [1, 2], z);
  assert.ok(!state("#z=63,0", GRID, start).one.text().includes("y="));
});

test("numbers and latents of texts", () => {
  assert.deepEqual([numbersOf(null), numbersOf(""), numbersOf("1,-2.5")], [[], [], [1, -2.5]]);
  assert.equal(textOf([1 / 3, -2], 3), "0.333,-2");
  assert.deepEqual(latentsOf("1,2", 2), Float32Array.of(1, 2));
  assert.equal(latentsOf("1,2", 3), null);
  assert.equal(latentsOf(null, 0), null);
});

test("undo goes back place by place, and a place is remembered once", () => {
  const { one } = state("");
  one.go([1, 1, 1]);
  one.remember();
  one.go([2, 2, 2], { y: 4 });
  one.go([3, 3, 3], { keep: false }); // a slider is being dragged
  assert.ok(one.undo());
  assert.deepEqual([[...one.z], one.y], [[1, 1, 1], 3]);
  assert.ok(one.undo());
  assert.deepEqual([...one.z], [...START]);
  assert.equal(one.undo(), false);
});

test("another class at the same latents is another place, and the oldest places are forgotten", () => {
  const { one } = state("");
  one.go(START, { y: 4 });
  one.go(START, { y: 5 });
  one.undo();
  assert.equal(one.y, 4);
  for (let k = 1; k <= 250; k++) one.go([k, 0, 0]);
  one.undo();
  assert.equal(one.z[0], 249);
  let count = 1;
  while (one.undo()) count++;
  assert.deepEqual([one.z[0], count], [50, 200]);
});

test("listeners hear what changed until they leave", () => {
  const { one, page } = state("");
  const told = [];
  const leave = one.onChange((what) => told.push(what));
  one.go([1, 1, 1]);
  one.go([1, 1, 2], { from: "grid" });
  one.show("map");
  page.goTo("#view=codes&z=4,5,6");
  page.goTo(`#${one.text()}`); // its own address is no news
  leave();
  one.undo();
  assert.deepEqual(told, ["z", "grid", "view", "address"]);
  assert.equal(one.view, "codes");
});

test("the address is written once, soon after many changes", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { one, page } = state("");
  for (let k = 0; k < 50; k++) one.go([k, 0, 0], { keep: false });
  assert.deepEqual(page.entries, []);
  mock.timers.tick(200);
  assert.deepEqual(page.entries, [["replace", "#view=&z=49,0,0&y=3"]]);
  one.set("hide", 2);
  one.show("map"); // at once, and what was waiting is part of it
  mock.timers.tick(200);
  assert.deepEqual(page.entries.slice(1), [["push", "#view=map&z=49,0,0&y=3&hide=2"]]);
  mock.timers.reset();
});

test("a place that comes late moves nobody who has done something else", async () => {
  const { one, page } = state("");
  const come = (...z) => Promise.resolve({ z, y: 7 });
  assert.ok(await one.follow(come(1, 1, 1)));
  assert.deepEqual([[...one.z], one.y], [[1, 1, 1], 7]);
  const meanwhile = [() => one.go([2, 2, 2]), () => one.undo(), () => page.goTo("#z=4,5,6")];
  for (const act of meanwhile) {
    const late = one.follow(come(3, 3, 3));
    act();
    const there = [...one.z];
    assert.equal(await late, false);
    assert.deepEqual([...one.z], there);
  }
  assert.deepEqual(await Promise.all([one.follow(come(8, 8, 8)), one.follow(come(9, 9, 9))]), [false, true]);
  assert.deepEqual([...one.z], [9, 9, 9]);
});
