// @ts-check
// A plane through latent space: what the map and the manifold lie on.

/** @typedef {import("./types").About} About */

/**
 * [index, text] of every dimension, by falling relevance.
 * @param {About} about
 * @returns {[number, string][]}
 */
export function dimensionNames(about) {
  const unit = about.random ? "nats" : "variance";
  return about.dimensions.map(({ index, relevance }) =>
    [index, relevance === null ? `z${index}` : `z${index} (${relevance.toFixed(2)} ${unit})`]);
}

/** Whether any dimension says something of an image: else every picture is the same. @param {About} about */
export const anyLive = (about) => about.dimensions.some(({ live }) => live);

/**
 * The plane of two dimensions, or the one of about.json.
 *
 * `move(z, x, y)` is the latents whose place is (x, y) and which is otherwise like z.
 * @param {About} about
 * @param {number[] | null} axes
 * @returns {import("./types").Plane}
 */
export function planeOf(about, axes) {
  const { directions, labels } = axes === null ? about.plane ?? { directions: [], labels: [] } : planeOfAxes(about, axes);
  return {
    directions,
    labels,
    move(z, x, y) {
      const [atX, atY] = along(this, z);
      return z.map((value, i) => value + directions[0][i] * (x - atX) + directions[1][i] * (y - atY));
    },
  };
}

/** @param {About} about @param {number[]} axes */
function planeOfAxes(about, axes) {
  const names = Object.fromEntries(dimensionNames(about));
  return {
    directions: axes.map((d) => Array.from({ length: about.can.latent }, (_, i) => Number(i === d))),
    labels: axes.map((d) => names[d]),
  };
}

/**
 * Place (x, y) of latents.
 * @param {{directions: number[][]}} plane
 * @param {Float32Array | number[]} z
 */
export function along({ directions }, z) {
  return directions.map((direction) => direction.reduce((sum, value, i) => sum + value * z[i], 0));
}

/** @type {(plane: {labels: string[]}) => string} */
export const axesText = ({ labels }) => `Across: ${labels[0].trim()}; up: ${labels[1].trim()}`;
