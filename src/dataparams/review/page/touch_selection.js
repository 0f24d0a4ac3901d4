/* Selecting many samples with a finger: by holding it down, or by a button and a tap. */

import { byId } from "/page/elements.js";

const LONG = 500; // milliseconds after which a finger means more than a tap
const MOVED = 12; // pixels

export class TouchSelection {
  constructor(grid) {
    this.grid = grid;
    this.session = grid.session;
    this.isRange = false;
    grid.space.addEventListener("pointerdown", (event) => this.onDown(event));
    for (const type of ["pointermove", "pointerup", "pointercancel"]) {
      grid.space.addEventListener(type, (event) => this.onMove(event));
    }
    byId("range").addEventListener("click", () => this.setRange(!this.isRange));
    for (const type of ["selection", "queue"]) {
      this.session.addEventListener(type, () => this.draw());
    }
  }

  /** Whether the tap that ends now was a long one, which has done its work. */
  hasActed() {
    const { wasLong } = this;
    this.wasLong = false;
    return wasLong;
  }

  onDown(event) {
    const position = this.grid.positionOf(event.target);
    this.wasLong = false;
    clearTimeout(this.timer);
    if (event.pointerType === "mouse" || position === null) {
      return;
    }
    this.from = [event.clientX, event.clientY];
    this.timer = setTimeout(() => {
      this.wasLong = true;
      this.act(position);
    }, LONG);
  }

  onMove(event) {
    const [x, y] = this.from ?? [event.clientX, event.clientY];
    const isFar = Math.hypot(event.clientX - x, event.clientY - y) > MOVED;
    if (event.type !== "pointermove" || isFar) {
      clearTimeout(this.timer);
    }
  }

  /** Select a sample; beside a selection, all from where it began up to here. */
  async act(position) {
    const { session } = this;
    if (session.selection.size) {
      await session.selectTo(position);
    } else {
      session.toggle(session.queue.at(position), position);
    }
  }

  /** Whether the next tap selects all up to there. */
  setRange(isRange) {
    this.isRange = isRange;
    this.draw();
  }

  draw() {
    const hasSelection = this.session.selection.size > 0;
    this.isRange &&= hasSelection;
    const button = byId("range");
    button.hidden = !hasSelection;
    button.setAttribute("aria-pressed", this.isRange);
    button.textContent = this.isRange ? "Tap the last one" : "Select up to …";
  }
}
