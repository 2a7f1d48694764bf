// What test_node.py has worked out, by other means than the page's.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const folder = process.env.VAEKIT_GIVEN ?? "";

export const given = (name) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf-8"));

/** The greatest difference of two lists of numbers. */
export function difference(ours, theirs) {
  if (ours.length !== theirs.length) return Infinity;
  return Math.max(0, ...Array.from(ours, (value, i) => (Object.is(value, theirs[i]) ? 0 : Math.abs(value - theirs[i]))));
}
