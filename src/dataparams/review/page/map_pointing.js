/* What fingers, the mouse and keys do on the map. */

import { count } from "/page/elements.js";
import { Pinch, wheelFactor } from "/page/gestures.js";
import { DIRECTIONS } from "/page/points.js";

const DRAG = 6; // pixels after which a press is a lasso
const MOVED = 80; // pixels by a key

export class MapPointing {
  constructor(map) {
    this.map = map;
    this.pinch = new Pinch(map.canvas);
    this.lasso = null;
    this.drag = null;
    for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave"]) {
      map.canvas.addEventListener(type, (event) => this[type](event));
    }
    map.canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    map.canvas.addEventListener("keydown", (event) => this.onKey(event));
    map.canvas.addEventListener("focus", () => {
      if (map.current === null && map.points?.length && map.canvas.matches(":focus-visible")) {
        map.pointTo(0);
      }
    });
    map.canvas.addEventListener("blur", () => map.pointTo(null));
  }

  onWheel(event) {
    if (this.map.points) {
      event.preventDefault();
      this.map.frame.zoom(wheelFactor(event), ...this.pinch.placeOf(event));
      this.map.afterMove();
    }
  }

  pointerdown(event) {
    if (event.button > 1 || !this.map.points) {
      return;
    }
    this.map.canvas.setPointerCapture(event.pointerId);
    this.pinch.down(event);
    if (this.pinch.isOn) {
      this.lasso = null; // a second finger: this is no lasso
      this.drag = null;
      this.map.drawOverSoon();
      return;
    }
    const place = this.pinch.placeOf(event);
    this.isLasso = false;
    if (this.map.tools.moves || event.button === 1) {
      event.preventDefault();
      this.drag = { at: place, from: place };
    } else {
      this.lasso = [place];
    }
  }

  pointermove(event) {
    const two = this.pinch.move(event);
    const place = this.pinch.placeOf(event);
    if (two) {
      this.map.frame.zoom(two.factor, two.x, two.y);
      this.map.frame.move(two.right, two.down);
      this.map.afterMove();
    } else if (this.drag) {
      this.map.frame.move(place[0] - this.drag.at[0], place[1] - this.drag.at[1]);
      this.drag.at = place;
      this.map.afterMove();
    } else if (this.lasso) {
      this.drawOut(place);
    } else if (this.map.points && !this.pinch.fingers.size) {
      this.map.pointTo(this.map.rankAt(...place));
    }
  }

  drawOut(place) {
    const [x, y] = this.lasso[0];
    this.isLasso ||= Math.hypot(place[0] - x, place[1] - y) > DRAG;
    if (this.isLasso) {
      this.map.pointTo(null);
      this.lasso.push(place);
      this.map.drawOverSoon();
    }
  }

  pointerup(event) {
    this.pinch.up(event);
    const { lasso, drag } = this;
    this.lasso = null;
    this.drag = null;
    if (drag) {
      const place = this.pinch.placeOf(event);
      if (Math.hypot(place[0] - drag.from[0], place[1] - drag.from[1]) <= DRAG) {
        this.press(place);
      }
    } else if (lasso && this.isLasso) {
      this.take(lasso, event.shiftKey || event.ctrlKey || event.metaKey);
    } else if (lasso) {
      this.press(lasso[0]);
    }
    this.map.drawOverSoon();
  }

  /** Select what is within a lasso, beside what is selected where that is wanted. */
  take(lasso, isMore) {
    const { frame, grid, looks, points, session } = this.map;
    const outline = lasso.map(([x, y]) => frame.placeAt(x, y));
    const [xs, ys] = [outline.map(([x]) => x), outline.map(([, y]) => y)];
    const box = {
      left: Math.min(...xs),
      right: Math.max(...xs),
      top: Math.min(...ys),
      bottom: Math.max(...ys),
    };
    const inside = grid
      .within(box)
      .filter((rank) => looks.counts(rank) && isInside([points.xs[rank], points.ys[rank]], outline));
    if (!isMore) {
      session.selection.clear();
    }
    const most = session.run.most_decisions - session.selection.size;
    session.select(inside.slice(0, most).map((rank) => points.index[rank]));
    if (inside.length > most) {
      session.tell("told", `The first ${count(most)} of ${count(inside.length)} are selected.`);
    }
  }

  press(place) {
    const rank = this.map.rankAt(...place);
    if (rank === null) {
      this.map.session.clearSelection();
    } else {
      this.map.session.toggle(this.map.points.index[rank], null);
      this.map.pointTo(rank);
    }
  }

  pointercancel(event) {
    this.pinch.up(event);
    this.lasso = null;
    this.drag = null;
    this.map.drawOverSoon();
  }

  pointerleave() {
    if (!this.lasso && !this.drag) {
      this.map.pointTo(null);
    }
  }

  drawLasso(pen, accent) {
    if (!(this.lasso?.length > 1)) {
      return;
    }
    pen.beginPath();
    this.lasso.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.globalAlpha = 0.14;
    pen.fillStyle = accent;
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = accent;
    pen.lineWidth = 2;
    pen.setLineDash([6, 5]);
    pen.stroke();
    pen.setLineDash([]);
  }

  /* Keys --------------------------------------------------------------------------------------- */

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.map.points?.length) {
      return;
    }
    const direction = DIRECTIONS[event.key];
    const index = this.map.currentIndex;
    const keys = {
      "+": () => this.map.zoomBy("in"),
      "=": () => this.map.zoomBy("in"),
      "-": () => this.map.zoomBy("out"),
      0: () => this.map.zoomBy("whole"),
      " ": index !== null && (() => this.map.session.toggle(index, null)),
      Enter: index !== null && (() => this.map.onOpen(index)),
      f: index !== null && (() => this.map.onSimilar(index)),
    };
    const act = direction ? () => this.step(direction, event.shiftKey) : keys[event.key];
    if (act) {
      event.preventDefault();
      event.stopPropagation();
      act();
    }
  }

  step([right, down], moves) {
    const { frame, points } = this.map;
    if (moves) {
      frame.move(-right * MOVED, -down * MOVED);
      this.map.afterMove();
      return;
    }
    this.map.pointTo(this.map.neighborOf(this.map.current ?? 0, [right, down]));
    const [x, y] = frame.pixelOf(points.xs[this.map.current], points.ys[this.map.current]);
    if (x < 0 || y < 0 || x > frame.width || y > frame.height) {
      frame.move(frame.width / 2 - x, frame.height / 2 - y);
      this.map.afterMove();
    }
  }
}

/** Whether a point lies within a polygon: a ray from it crosses the outline an odd number of times. */
export function isInside([x, y], outline) {
  let inside = false;
  outline.forEach(([x1, y1], i) => {
    const [x2, y2] = outline[(i + 1) % outline.length];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) {
      inside = !inside;
    }
  });
  return inside;
}
