// @ts-check
// What the user sees, kept in the address: a link brings it back. Undo remembers places in latent space.

const DIGITS = 4;
const KEPT = 200; // places that undo remembers
const FAR = 1e4; // absolute value of a latent: far beyond any prior

/** Whole numbers from 0 to below `most`. @type {(most: number) => (value: number) => boolean} */
const below = (most) => (value) => Number.isInteger(value) && value >= 0 && value < most;

/** Numbers with commas between them, from the address. @param {string | null} text */
export function numbersOf(text) {
  return text === null || text === "" ? [] : text.split(",").map(Number);
}

/** Numbers for the address. @param {ArrayLike<number>} values */
export function textOf(values, digits = DIGITS) {
  return Array.from(values, (value) => Number(value.toFixed(digits))).join(",");
}

/**
 * Latents from the address, or null where there is none that fits.
 * @param {string | null} text
 * @param {number} length
 * @param {number} codes of a codebook; 0 for a latent vector
 */
export function latentsOf(text, length, codes = 0) {
  const z = numbersOf(text);
  const fits = codes ? below(codes) : (/** @type {number} */ v) => Math.abs(v) <= FAR;
  return text !== null && z.length === length && z.every(fits) ? Float32Array.from(z) : null;
}

export class State {
  /**
   * @param {Pick<import("./types").About, "can" | "start_class">} about about.json
   * @param {Float32Array} start the first latents, when the address has none
   */
  constructor(about, start) {
    this.about = about;
    /** @type {Set<(what: string) => void>} */
    this.listeners = new Set();
    /** @type {{z: Float32Array, y: number}[]} */
    this.history = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.turn = 0; // how often it has moved, or been asked to
    this.start = start;
    this.view = "";
    this.z = start;
    this.y = about.start_class;
    /** @type {Record<string, string>} */
    this.more = {};
    this.read();
    window.addEventListener("hashchange", () => {
      if (location.hash.slice(1) === this.text()) return;
      this.read();
      this.say("address");
    });
  }

  /** Takes everything from the address. */
  read() {
    this.turn++;
    const given = new URLSearchParams(location.hash.slice(1));
    const { codes, classes } = this.about.can;
    this.view = given.get("view") || "";
    this.z = latentsOf(given.get("z"), this.start.length, codes) ?? Float32Array.from(this.start);
    const y = Number(given.get("y") ?? NaN);
    this.y = below(classes)(y) ? y : this.about.start_class;
    this.more = Object.fromEntries([...given].filter(([key]) => !["view", "z", "y"].includes(key)));
  }

  /** The address. */
  text() {
    const parts = new URLSearchParams({ view: this.view });
    if (this.z.length) parts.set("z", textOf(this.z));
    if (this.about.can.classes) parts.set("y", String(this.y));
    for (const [name, value] of Object.entries(this.more)) parts.set(name, value);
    return parts.toString().replaceAll("%2C", ",");
  }

  /** Writes the address soon; browsers allow few changes per second. */
  write() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => history.replaceState(null, "", `#${this.text()}`), 120);
  }

  /** @param {(what: string) => void} listener */
  onChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** @param {string} what has changed */
  say(what) {
    for (const listener of [...this.listeners]) listener(what);
  }

  /** Opens a view. @param {string} view */
  show(view) {
    clearTimeout(this.timer);
    this.view = view;
    history.pushState(null, "", `#${this.text()}`);
    this.say("view");
  }

  /**
   * Goes to latents. `keep` puts the place before into the history: not while a slider is being dragged.
   * @param {ArrayLike<number>} z
   */
  go(z, { keep = true, from = "", y = this.y } = {}) {
    this.turn++;
    if (keep) this.remember();
    this.z = Float32Array.from(z);
    this.y = y;
    this.write();
    this.say(from || "z");
  }

  /**
   * `go`, once the place has come; false where something else was done meanwhile.
   * @param {Promise<{z: ArrayLike<number>, y?: number}>} coming
   */
  async follow(coming) {
    const turn = ++this.turn;
    const { z, y } = await coming;
    if (turn !== this.turn) return false;
    this.go(z, { y });
    return true;
  }

  remember() {
    const last = this.history.at(-1);
    if (last && last.y === this.y && last.z.every((value, d) => value === this.z[d])) return;
    this.history.push({ z: Float32Array.from(this.z), y: this.y });
    if (this.history.length > KEPT) this.history.shift();
  }

  undo() {
    const last = this.history.pop();
    if (!last) return false;
    this.turn++;
    [this.z, this.y] = [last.z, last.y];
    this.write();
    this.say("z");
    return true;
  }

  /** An option of a view, kept in the address; null where there is none. @param {string} name */
  option(name) {
    return this.more[name] ?? null;
  }

  /** @param {string} name @param {string | number | null} value */
  set(name, value) {
    if (value === null) delete this.more[name];
    else this.more[name] = String(value);
    this.write();
  }
}
