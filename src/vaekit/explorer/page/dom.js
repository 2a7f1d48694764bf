// @ts-check
// Small helpers for elements, messages and numbers.

/** @typedef {string | Node | null | undefined} Child */

/**
 * An element: h("button", {class: "x", onclick: f}, "text", child).
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} attributes
 * @param {(Child | Child[])[]} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") Object.assign(element, { [name]: value });
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  const there = children.flat().filter((child) => child !== null && child !== undefined);
  element.append(.../** @type {(string | Node)[]} */ (there));
  return element;
}

/** An element of the page itself. @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** What draws on a canvas. @param {HTMLCanvasElement} canvas @param {CanvasRenderingContext2DSettings} [options] */
export function context2d(canvas, options) {
  const context = canvas.getContext("2d", options);
  if (context === null) throw new Error("this browser has no memory for another canvas");
  return context;
}

/**
 * A labelled <select> of [value, text] pairs.
 * @param {string} label
 * @param {[string | number, string][]} options
 * @param {string | number} value
 * @param {(value: string) => void} change
 */
export function choice(label, options, value, change) {
  const select = h("select", { onchange: () => change(select.value) },
    options.map(([key, text]) => h("option", { value: String(key) }, text)));
  select.value = String(value);
  return h("label", { class: "field" }, h("span", {}, label), select);
}

/**
 * A labelled range input; `change` gets its number on every move.
 * @param {string} label
 * @param {{min: number, max: number, step: number, value: number}} options
 * @param {(value: number) => void} change
 */
export function slider(label, options, change) {
  const input = h("input", { type: "range", min: `${options.min}`, max: `${options.max}`, step: `${options.step}` });
  input.value = String(options.value);
  const shown = h("output", {}, number(options.value));
  input.addEventListener("input", () => {
    shown.textContent = number(Number(input.value));
    change(Number(input.value));
  });
  return h("label", { class: "field wide" }, h("span", {}, label), input, shown);
}

/** What the page is doing, or what went wrong; one line. @param {string} line */
export function say(line, error = false) {
  const status = byId("status");
  status.textContent = line;
  status.classList.toggle("error", error);
}

/** Takes an error off the page: something else has been done since. */
export function calm() {
  if (byId("status").classList.contains("error")) say("");
}

/**
 * Runs a task; whatever fails is a readable line on the page, and null.
 * @template T
 * @param {() => T | Promise<T>} task
 */
export async function trying(task) {
  try {
    return await task();
  } catch (error) {
    const known = error instanceof Error || error instanceof DOMException;
    if (!known || error.name !== "AbortError") say((known && error.message) || String(error), true);
    return null;
  }
}

/**
 * A function that runs `task` at most once at a time, with the latest arguments only.
 * @template {any[]} Given
 * @param {(...given: Given) => unknown} task
 */
export function latest(task) {
  let running = false;
  /** @type {Given | null} */
  let waiting = null;
  return async function call(/** @type {Given} */ ...given) {
    waiting = given;
    if (running) return;
    running = true;
    while (waiting) {
      /** @type {Given} */
      const now = waiting;
      waiting = null;
      await trying(() => task(...now));
    }
    running = false;
  };
}

/**
 * A function that waits until it has not been called for a while.
 * @template {any[]} Given
 * @param {(...given: Given) => void} task
 * @param {number} milliseconds
 */
export function settled(task, milliseconds) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return (/** @type {Given} */ ...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => task(...given), milliseconds);
  };
}

/** A number of few digits with a true minus sign. @param {number} value */
export function number(value, digits = 2) {
  const text = Number(value.toFixed(digits)).toString();
  return (text === "-0" ? "0" : text).replace("-", "−");
}
