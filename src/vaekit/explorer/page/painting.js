// @ts-check
// Paints the map. Points are painted into the pixels themselves, which takes a few milliseconds for ten thousand
// of them on any machine.

/** @typedef {import("./types").RGB} RGB */
/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {{half: number, ways: Int32Array, shares: Int32Array}} Disc */

const MANY = 3000; // points from which on they are small
const SEEN = 3.2; // contrast of a class's colour with a dark page, at least
const MARK = [7, 13]; // radius of the mark's circle, and end of its arms

/** @type {Map<string, Disc>} */
const discs = new Map();

/** @type {(rgb: RGB) => number} */
const packed = ([r, g, b]) => (b << 16) | (g << 8) | r;

/** @type {(text: string) => RGB} */
const parse = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

/** Relative luminance (WCAG 2). @type {(rgb: RGB) => number} */
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((level) => (level <= 10 ? level / 3294 : ((level / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** Contrast of two colours, 1 to 21 (WCAG 2). @type {(a: RGB, b: RGB) => number} */
export const contrast = (a, b) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

/** A colour that can be seen on a dark ground: as much lighter as it takes. @type {(rgb: RGB, ground: RGB) => RGB} */
export const seenOn = (rgb, ground) => {
  let seen = rgb;
  for (let share = 0.05; contrast(seen, ground) < SEEN && share <= 1; share += 0.05) {
    seen = /** @type {RGB} */ (rgb.map((level) => Math.round(level + share * (255 - level))));
  }
  return seen;
};

/**
 * The colours of the page and of the classes, in light or dark.
 * @param {string[]} classColours
 */
export function coloursOf(classColours) {
  const style = getComputedStyle(document.documentElement);
  const [page, ink, faint] = ["--page", "--ink", "--faint"].map((name) => style.getPropertyValue(name).trim());
  const background = parse(page);
  const dark = background[0] < 128;
  // black points would vanish on a dark page, and dark ones nearly
  const classes = classColours.map(parse).map((rgb) => (
    !dark ? rgb : Math.max(...rgb) < 60 ? /** @type {RGB} */ ([230, 237, 243]) : seenOn(rgb, background)));
  return { page, ink, faint, background, classes, plain: dark ? [86, 180, 233] : [0, 114, 178] };
}

/** @typedef {ReturnType<typeof coloursOf>} Colours */

/**
 * For each pixel of a disc the way from its middle in the packed image, and its share, 0 to 256.
 * @param {number} radius
 * @param {number} alpha
 * @param {number} width of the image
 */
export function disc(radius, alpha, width) {
  const size = Math.round(radius * 4) / 4;
  const key = `${size} ${alpha} ${width}`;
  const there = discs.get(key);
  if (there) return there;
  if (discs.size > 50) discs.clear();
  const half = Math.ceil(size + 0.5);
  /** @type {[number[], number[]]} */
  const [ways, shares] = [[], []];
  for (let y = -half; y <= half; y++) {
    for (let x = -half; x <= half; x++) {
      const share = Math.max(0, Math.min(1, size + 0.5 - Math.hypot(x, y)));
      if (share > 0) {
        ways.push(y * width + x);
        shares.push(Math.round(256 * alpha * share));
      }
    }
  }
  const made = { half, ways: Int32Array.from(ways), shares: Int32Array.from(shares) };
  discs.set(key, made);
  return made;
}

/**
 * Blends a disc of one colour into packed pixels (little-endian: ABGR), red and blue at once.
 * @param {Uint32Array} pixels
 * @param {number} middle
 * @param {Disc} stamp
 * @param {number} colour
 */
export function press(pixels, middle, { ways, shares }, colour) {
  const [redBlue, green] = [colour & 0xff00ff, colour & 0xff00];
  for (let k = 0; k < ways.length; k++) {
    const at = middle + ways[k];
    const under = pixels[at];
    const share = shares[k];
    const rest = 256 - share;
    const rb = (((under & 0xff00ff) * rest + redBlue * share) >>> 8) & 0xff00ff;
    const g = (((under & 0xff00) * rest + green * share) >>> 8) & 0xff00;
    pixels[at] = 0xff000000 | rb | g;
  }
}

/**
 * Paints all points that are seen.
 * @param {Uint32Array} pixels
 * @param {import("./points.js").Points} points
 * @param {Camera} camera
 * @param {Colours} colours
 * @param {number} ratio pixels of the canvas per pixel of the page
 */
export function paintPoints(pixels, points, camera, colours, ratio) {
  pixels.fill(0xff000000 | packed(colours.background));
  const many = points.count > MANY;
  const zoomed = Math.log2(1 + 8 / Math.max(0.2, camera.span));
  const radius = ratio * Math.min(6, (many ? 1.5 : 2.6) + 0.6 * zoomed);
  const { width, height } = camera;
  const stamp = disc(radius, many ? 0.65 : 0.8, width);
  const [classes, plain] = [colours.classes.map(packed), packed(colours.plain)];
  const scale = 1 / camera.unit;
  const [left, top] = [width / 2 - camera.x * scale, height / 2 + camera.y * scale];
  for (let i = 0; i < points.count; i++) {
    if (!points.seen(i)) continue;
    const px = Math.round(left + points.places[2 * i] * scale);
    const py = Math.round(top - points.places[2 * i + 1] * scale);
    if (px < stamp.half || py < stamp.half || px >= width - stamp.half || py >= height - stamp.half) continue;
    const label = points.label(i);
    press(pixels, py * width + px, stamp, label >= 0 ? classes[label] : plain);
  }
}

const SHARES = [0.5, 0.9, 0.99]; // of the prior
const radiusOf = (/** @type {number} */ share) => Math.sqrt(-2 * Math.log(1 - share));

/**
 * Circles that hold a share of the prior N(0, I) of two latents.
 * @param {CanvasRenderingContext2D} context
 * @param {Camera} camera
 * @param {Colours} colours
 * @param {number} ratio
 */
export function drawPrior(context, camera, { faint: colour, page }, ratio) {
  context.lineWidth = ratio;
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.font = `${11 * ratio}px system-ui, sans-serif`;
  context.setLineDash([4 * ratio, 4 * ratio]);
  for (const share of SHARES) {
    const [x, y] = camera.toScreen(0, 0);
    context.beginPath();
    context.arc(x, y, radiusOf(share) / camera.unit, 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.strokeStyle = page;
  context.lineWidth = 4 * ratio;
  context.lineJoin = "round";
  for (const share of SHARES) { // on a rim, so that points and lines do not run through them
    const [x, rim] = camera.toScreen(0, -radiusOf(share));
    const lowest = context.canvas.height - 10 * ratio; // a rim at the very edge has its words within
    const y = rim < lowest + 20 * ratio ? Math.min(rim, lowest) : rim;
    const text = `${share * 100} % of the prior`;
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }
  context.textAlign = "start";
  context.textBaseline = "alphabetic";
}

/**
 * The mark at the current place, on a light rim.
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number]} middle
 * @param {Colours} colours
 * @param {number} ratio
 */
export function drawMark(context, [x, y], colours, ratio) {
  const [inner, outer] = MARK.map((length) => length * ratio);
  for (const [colour, width] of /** @type {[string, number][]} */ ([[colours.page, 5], [colours.ink, 2]])) {
    context.strokeStyle = colour;
    context.lineWidth = width * ratio;
    context.beginPath();
    context.arc(x, y, inner, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * inner, y + dy * inner);
      context.lineTo(x + dx * outer, y + dy * outer);
    }
    context.stroke();
  }
}
