import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { calm, latest, number, say, settled, trying } from "../../../src/vaekit/explorer/page/dom.js";
import { statusLine } from "./browser.js";

/** A task whose every call waits until it is let go. */
function waiting() {
  const calls = [];
  const task = (...words) => new Promise((done, fail) => calls.push({ words, done, fail }));
  return { calls, task };
}
const soon = () => new Promise((resolve) => setImmediate(resolve));

test("of many calls the first and the last run, one after the other", async () => {
  const { calls, task } = waiting();
  const call = latest(task);
  const all = call("a", 1);
  for (const word of ["b", "c", "d"]) call(word, 2);
  await soon();
  assert.deepEqual(calls.map(({ words }) => words), [["a", 1]]);
  calls[0].done();
  await soon();
  assert.deepEqual(calls.map(({ words }) => words), [["a", 1], ["d", 2]]);
  calls[1].done();
  await all;
  call("e", 3);
  await soon();
  assert.equal(calls.length, 3);
});

test("a failure is a line on the page, and the next call runs", async () => {
  const status = statusLine();
  const { calls, task } = waiting();
  const call = latest(task);
  call("a");
  call("b");
  await soon();
  calls[0].fail(new Error("no network"));
  await soon();
  assert.deepEqual([status.line(), status.wrong(), calls.length], ["no network", true, 2]);
  calls[1].fail(new DOMException("superseded", "AbortError"));
  await soon();
  assert.equal(status.line(), "no network"); // what was given up is no failure
  calm();
  assert.deepEqual([status.line(), status.wrong()], ["", false]);
  say("fine");
  calm();
  assert.equal(status.line(), "fine");
});

test("trying gives the result, or null", async () => {
  const status = statusLine();
  assert.equal(await trying(() => 4), 4);
  assert.equal(await trying(async () => 5), 5);
  assert.equal(await trying(() => { throw new TypeError("so"); }), null);
  assert.equal(await trying(() => Promise.reject("text")), null);
  assert.deepEqual([status.line(), status.wrong()], ["text", true]);
});

test("a settled task waits for quiet", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const seen = [];
  const call = settled((word) => seen.push(word), 90);
  call("a");
  mock.timers.tick(60);
  call("b");
  mock.timers.tick(60);
  assert.deepEqual(seen, []);
  mock.timers.tick(40);
  assert.deepEqual(seen, ["b"]);
  mock.timers.reset();
});

test("numbers have few digits and a true minus", () => {
  const cases = [[1.005, "1"], [0.126, "0.13"], [-2.5, "−2.5"], [-0.001, "0"], [12, "12"]];
  for (const [value, text] of cases) assert.equal(number(value), text);
  assert.equal(number(-1234.56, 0), "−1235");
});
