// @ts-check
// The classes on the map, each a button that shows or hides it.
import { context2d, h } from "./dom.js";

/** A dot of a colour. @param {import("./types").RGB} rgb */
function swatch([r, g, b]) {
  const dot = h("canvas", { class: "dot", width: 10, height: 10, "aria-hidden": "true" });
  const context = context2d(dot);
  context.fillStyle = `rgb(${r} ${g} ${b})`;
  context.arc(5, 5, 5, 0, 2 * Math.PI);
  context.fill();
  return dot;
}

export class Legend {
  /**
   * @param {import("./points.js").Points} points
   * @param {string[]} names of the classes
   * @param {() => void} changed is called when classes have been shown or hidden
   */
  constructor(points, names, changed) {
    this.points = points;
    this.names = names;
    this.changed = changed;
    /** @type {Map<number, HTMLButtonElement>} */
    this.buttons = new Map();
    this.element = h("div", { class: "legend", role: "group", "aria-label": "Classes shown" });
  }

  /** A button for each class that is there. @param {import("./types").RGB[]} colours */
  fill(colours) {
    if (!this.points.labels) return;
    const there = [...new Set(this.points.labels)].sort((a, b) => a - b);
    this.buttons = new Map(there.map((c) => [c, this.button(c, colours[c])]));
    const all = h("button", { class: "quiet", onclick: () => this.show(this.names.keys(), true) }, "All");
    this.element.replaceChildren(...this.buttons.values(), all);
  }

  /** @param {number} c @param {import("./types").RGB} colour */
  button(c, colour) {
    const { points } = this;
    return h("button", {
      class: "chip", "aria-pressed": String(!points.hidden.has(c)), title: "Click: show or hide. Double-click: only this one.",
      onclick: () => this.show([c], points.hidden.has(c)),
      ondblclick: () => {
        points.show(this.names.keys(), false);
        this.show([c], true);
      },
    }, swatch(colour), this.names[c]);
  }

  /** @param {Iterable<number>} classes @param {boolean} visible */
  show(classes, visible) {
    this.points.show(classes, visible);
    for (const [c, button] of this.buttons) button.setAttribute("aria-pressed", String(!this.points.hidden.has(c)));
    this.changed();
  }
}
