// @ts-check
// The images on the map: their places, their classes, and which classes are hidden.

export class Points {
  /** @param {Iterable<number>} hidden classes */
  constructor(hidden = []) {
    this.places = new Float32Array(0);
    /** @type {Int16Array | null} */
    this.labels = null;
    this.hidden = new Set(hidden);
  }

  get count() {
    return this.places.length / 2;
  }

  /** Class of a point; -1 for none. @param {number} index */
  label(index) {
    return this.labels ? this.labels[index] : -1;
  }

  /** @param {number} index */
  seen(index) {
    return !this.labels || !this.hidden.has(this.labels[index]);
  }

  /** Shows or hides classes. @param {Iterable<number>} classes @param {boolean} visible */
  show(classes, visible) {
    for (const c of classes) {
      if (visible) this.hidden.delete(c);
      else this.hidden.add(c);
    }
  }

  /** The seen point nearest to a place, or -1 where none is within reach. @param {number} x @param {number} y @param {number} reach */
  nearest(x, y, reach) {
    let [best, found] = [reach ** 2, -1];
    for (let i = 0; i < this.count; i++) {
      if (!this.seen(i)) continue;
      const [dx, dy] = [this.places[2 * i] - x, this.places[2 * i + 1] - y];
      const distance = dx * dx + dy * dy;
      if (distance < best) [best, found] = [distance, i];
    }
    return found;
  }
}
