/* A picture that is enlarged and moved about, with all its pixels once it is enlarged. */

import { byId, count } from "/page/elements.js";
import { Pinch, wheelFactor } from "/page/gestures.js";
import { picture } from "/page/pieces.js";

const STEP = 1.5; // of a press on + or -
const MOVED = 80; // pixels by a key
const LARGEST_PIXEL = 8; // CSS pixels of a pixel of the picture
const SQUARES = 3; // CSS pixels of a pixel from which it is drawn as a square
const DRAG = 4;

export class PictureZoom {
  constructor(run, { onTrouble }) {
    this.run = run;
    this.onTrouble = onTrouble;
    this.stage = byId("stage-picture");
    this.pinch = new Pinch(this.stage);
    this.reset(null);
    this.stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      this.stage.addEventListener(type, (event) => this[type](event));
    }
    this.stage.addEventListener("dblclick", (event) => this.onDouble(event));
    byId("zoom-in").addEventListener("click", () => this.by(STEP));
    byId("zoom-out").addEventListener("click", () => this.by(1 / STEP));
    byId("zoom-whole").addEventListener("click", () => this.whole());
    new ResizeObserver(() => this.place()).observe(this.stage);
  }

  get isOn() {
    return this.scale > 1;
  }

  /** Begin with another picture, by its number; null for none. */
  reset(index) {
    this.index = index;
    this.original = null;
    this.drag = null;
    this.whole();
    byId("zoom-buttons").hidden = index === null;
  }

  whole() {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.place();
  }

  /** Enlarge around a point of the stage, by default its middle. */
  by(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    if (this.index === null) {
      return;
    }
    const scale = Math.max(1, Math.min(this.scale * factor, this.largest));
    // The point lies where it lay: what is transformed has its origin in the middle.
    const [right, down] = [x - this.stage.clientWidth / 2, y - this.stage.clientHeight / 2];
    this.x = right - ((right - this.x) * scale) / this.scale;
    this.y = down - ((down - this.y) * scale) / this.scale;
    this.scale = scale;
    if (this.isOn) {
      this.loadOriginal();
    }
    this.place();
  }

  move(right, down) {
    this.x += right;
    this.y += down;
    this.place();
  }

  moveByKey([right, down]) {
    this.move(-right * MOVED, -down * MOVED);
  }

  /** CSS pixels of a pixel of the picture when all of it is seen. */
  get fitted() {
    const shown = this.original ?? this.stage.querySelector("img:last-child");
    if (!shown?.naturalWidth) {
      return 1;
    }
    return Math.min(
      this.stage.clientWidth / shown.naturalWidth,
      this.stage.clientHeight / shown.naturalHeight,
    );
  }

  get largest() {
    return Math.max(LARGEST_PIXEL / this.fitted, 4);
  }

  place() {
    const { stage } = this;
    const most = [stage.clientWidth, stage.clientHeight].map((side) => (side * (this.scale - 1)) / 2);
    this.x = Math.max(-most[0], Math.min(this.x, most[0]));
    this.y = Math.max(-most[1], Math.min(this.y, most[1]));
    stage.style.setProperty("--zoom", this.scale);
    stage.style.setProperty("--right", `${this.x}px`);
    stage.style.setProperty("--down", `${this.y}px`);
    stage.classList.toggle("zoomed", this.isOn);
    stage.classList.toggle("squares", this.isOn && this.scale * this.fitted > SQUARES);
    byId("zoom-out").disabled = !this.isOn;
    byId("zoom-whole").disabled = !this.isOn;
    byId("zoom-words").textContent = this.isOn ? this.words : "";
  }

  get words() {
    if (!this.original) {
      return "Loading all its pixels …";
    }
    const { naturalWidth: width, naturalHeight: height } = this.original;
    const percent = Math.round(100 * this.scale * this.fitted * (devicePixelRatio || 1));
    return `${count(width)} × ${count(height)} pixels, ${percent}%`;
  }

  loadOriginal() {
    const { index, stage } = this;
    if (stage.querySelector(".original")) {
      return;
    }
    const original = picture(this.run, index, "original");
    original.classList.add("original");
    original.addEventListener("load", () => {
      if (this.index === index) {
        this.original = original;
        this.place();
      }
    });
    original.addEventListener("error", () => {
      original.remove();
      if (this.index === index) {
        byId("zoom-words").textContent = "";
        this.onTrouble("This picture cannot be shown with all its pixels.");
      }
    });
    stage.append(original);
  }

  /* Fingers and the mouse ---------------------------------------------------------------------- */

  onWheel(event) {
    if (this.index !== null && (this.isOn || event.deltaY < 0)) {
      event.preventDefault();
      this.by(wheelFactor(event), ...this.pinch.placeOf(event));
    }
  }

  /** From all of the picture to its own pixels, and back. */
  onDouble(event) {
    if (this.index !== null) {
      const own = Math.max(1 / this.fitted, 2);
      this.by(this.isOn ? 1 / this.scale : own, ...this.pinch.placeOf(event));
    }
  }

  pointerdown(event) {
    if (this.index === null || event.button > 1) {
      return;
    }
    this.pinch.down(event);
    this.drag = this.isOn && !this.pinch.isOn ? { at: this.pinch.placeOf(event), isFar: false } : null;
  }

  pointermove(event) {
    const two = this.pinch.move(event);
    if (two) {
      this.by(two.factor, two.x, two.y);
      this.move(two.right, two.down);
      return;
    }
    if (this.drag) {
      const place = this.pinch.placeOf(event);
      const [right, down] = [place[0] - this.drag.at[0], place[1] - this.drag.at[1]];
      if (!this.drag.isFar && Math.hypot(right, down) > DRAG) {
        this.drag.isFar = true;
        this.stage.setPointerCapture(event.pointerId);
      }
      if (this.drag.isFar) {
        this.move(right, down);
        this.drag.at = place;
      }
    }
  }

  pointerup(event) {
    this.pinch.up(event);
    this.drag = null;
  }

  pointercancel(event) {
    this.pointerup(event);
  }
}
