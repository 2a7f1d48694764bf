// A plane through latent space: what the map and the manifold lie on.

/** [index, text] of every dimension, by falling relevance. */
export function dimensionNames(info) {
  const unit = info.random ? "nats" : "variance";
  return info.dimensions.map(({ index, relevance }) =>
    [index, relevance === null ? `z${index}` : `z${index} (${relevance.toFixed(2)} ${unit})`]);
}

/**
 * The plane of two dimensions, or the one of about.json.
 *
 * `move(z, x, y)` is the code whose place is (x, y) and which is otherwise like z.
 */
export function planeOf(info, axes) {
  const D = info.can.latent;
  let [directions, labels] = [info.plane?.directions, info.plane?.labels];
  if (axes !== null) {
    directions = axes.map((d) => Array.from({ length: D }, (_, i) => Number(i === d)));
    const names = Object.fromEntries(dimensionNames(info));
    labels = axes.map((d) => names[d]);
  }
  const plane = { directions, labels };
  plane.move = (z, x, y) => {
    const [atX, atY] = along(plane, z);
    return z.map((value, i) => value + directions[0][i] * (x - atX) + directions[1][i] * (y - atY));
  };
  return plane;
}

/** Place (x, y) of a code. */
export function along({ directions }, z) {
  return directions.map((direction) => direction.reduce((sum, value, i) => sum + value * z[i], 0));
}

export const axesText = ({ labels }) => `Across: ${labels[0].trim()}; up: ${labels[1].trim()}`;
