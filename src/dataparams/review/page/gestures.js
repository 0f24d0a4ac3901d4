/* Zooming with a wheel or two fingers. */

const BY_WHEEL = 0.0018; // of a pixel
const BY_PINCH = 0.01; // of a pixel of a trackpad, which tells of two fingers so
const LINE = 16; // pixels

/** By how much a turn of the wheel enlarges. */
export function wheelFactor(event) {
  const pixels = event.deltaY * (event.deltaMode === 1 ? LINE : 1);
  return Math.exp(-Math.max(-400, Math.min(pixels, 400)) * (event.ctrlKey ? BY_PINCH : BY_WHEEL));
}

/** Two fingers: how far they went apart, and where their middle went. */
export class Pinch {
  constructor(element) {
    this.element = element;
    this.fingers = new Map();
  }

  get isOn() {
    return this.fingers.size > 1;
  }

  placeOf(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    this.fingers.set(event.pointerId, this.placeOf(event));
  }

  /** Returns {factor, x, y, right, down} of two fingers; null of any other number. */
  move(event) {
    if (!this.fingers.has(event.pointerId)) {
      return null;
    }
    const before = this.spread();
    this.fingers.set(event.pointerId, this.placeOf(event));
    const now = this.spread();
    return before && now
      ? {
          factor: now.apart / Math.max(before.apart, 1),
          x: now.x,
          y: now.y,
          right: now.x - before.x,
          down: now.y - before.y,
        }
      : null;
  }

  up(event) {
    this.fingers.delete(event.pointerId);
  }

  spread() {
    if (!this.isOn) {
      return null;
    }
    const [[x1, y1], [x2, y2]] = this.fingers.values();
    return { apart: Math.hypot(x2 - x1, y2 - y1), x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
  }
}
