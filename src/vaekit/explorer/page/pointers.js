// @ts-check
// Mouse, fingers and wheel on a canvas, as what they mean: hover, click, pan, zoom, leave.

const STILL = 4; // pixels that a click may move

/**
 * @typedef {object} Meanings what a gesture does; places are pixels of the page
 * @property {(event: PointerEvent) => void} hover
 * @property {(event: PointerEvent) => void} click
 * @property {(across: number, down: number) => void} pan
 * @property {(factor: number, around: MouseEvent) => void} zoom
 * @property {() => void} leave
 */

export class Pointers {
  /** @param {HTMLCanvasElement} canvas @param {Meanings} meanings */
  constructor(canvas, meanings) {
    this.meanings = meanings;
    /** @type {Map<number, PointerEvent>} */
    this.down = new Map();
    this.moved = false;
    this.pressed = [0, 0];
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.down.set(event.pointerId, event);
      this.moved = this.down.size > 1;
      this.pressed = [event.clientX, event.clientY];
    });
    canvas.addEventListener("pointermove", (event) => (this.down.size ? this.drag(event) : meanings.hover(event)));
    canvas.addEventListener("pointerup", (event) => {
      this.down.delete(event.pointerId);
      if (!this.moved && !this.down.size) meanings.click(event);
    });
    canvas.addEventListener("pointercancel", (event) => this.down.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => meanings.leave());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      meanings.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), event);
    }, { passive: false });
  }

  /** One finger or the mouse pans, two fingers zoom. @param {PointerEvent} event */
  drag(event) {
    const before = this.down.get(event.pointerId);
    if (!before) return;
    const other = [...this.down.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    if (other) {
      const apart = (/** @type {PointerEvent} */ one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      this.meanings.zoom(apart(event) / Math.max(1, apart(before)), other);
    } else {
      if (Math.hypot(event.clientX - this.pressed[0], event.clientY - this.pressed[1]) > STILL) this.moved = true;
      if (this.moved) this.meanings.pan(event.clientX - before.clientX, event.clientY - before.clientY);
    }
    this.down.set(event.pointerId, event);
  }
}
