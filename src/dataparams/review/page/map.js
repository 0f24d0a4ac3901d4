/* A class as a map: samples whose temperatures moved alike lie together. */

import { OUTLIER, WORDS, byId, count, element, fillFile, mark } from "/page/elements.js";
import { fillFrame, suggestionWords } from "/page/pieces.js";
import { Picked } from "/page/picked.js";
import { DIRECTIONS, neighborOf, placeTip, pointAt } from "/page/points.js";
import { get } from "/page/server.js";

const MARGIN = 22;
const DRAG = 6; // pixels after which a press is a lasso

export class SampleMap {
  constructor(session, { onOpen }) {
    this.session = session;
    this.onOpen = onOpen;
    this.canvas = byId("map");
    this.tip = byId("map-tip");
    this.picked = new Picked(session);
    this.points = [];
    this.label = null;
    this.current = null;
    this.lasso = null;
    this.frame = null;
    new ResizeObserver(() => this.fit()).observe(byId("map-frame"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawSoon());
    for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave"]) {
      this.canvas.addEventListener(type, (event) => this[type](event));
    }
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    this.canvas.addEventListener("focus", () => {
      if (!this.current && this.points.length && this.canvas.matches(":focus-visible")) {
        this.pointAt(this.points.at(-1));
      }
    });
    this.canvas.addEventListener("blur", () => this.pointAt(null));
    session.addEventListener("selection", () => this.onSelection());
    session.addEventListener("opinions", () => this.drawSoon());
    session.samples.addEventListener("facts", () => this.current && this.showTip());
  }

  get isShown() {
    return !byId("map-view").hidden;
  }

  async show(label) {
    const wait = byId("map-wait");
    if (label === null) {
      this.label = null;
      this.points = [];
      this.say("Choose a given class in the filter, and its map appears here.");
      byId("map-words").textContent = "";
      this.onSelection();
      this.fit();
      return;
    }
    if (this.label === label && this.points.length) {
      this.say("");
      this.fit();
      this.canvas.focus();
      return;
    }
    this.label = label;
    this.points = [];
    this.onSelection();
    this.pointAt(null);
    this.fit();
    this.say("Laying out the map …");
    try {
      const answer = await get(`/api/maps/${label}`);
      if (this.label !== label) {
        return;
      }
      const last = ["easy", "review", "hard"];
      this.points = answer.samples
        .map(({ x, y, ...sample }) => ({ ...sample, position: [x, y] }))
        .sort((a, b) => last.indexOf(a.category) - last.indexOf(b.category));
      const shown = this.points.length;
      const name = this.session.classNames[label];
      byId("map-words").textContent =
        (shown < answer.total
          ? `${count(shown)} of the ${count(answer.total)} samples given as `
          : `The ${count(shown)} samples given as `) +
        `“${name}”: those whose temperatures moved alike lie together. Drag around a group, then decide.`;
      this.say(shown ? "" : "No sample has this label.");
      this.fit();
      this.canvas.focus();
    } catch (error) {
      if (this.label === label) {
        this.label = null;
        this.say(`The map cannot be had: ${error.message}`);
      }
    }
    wait.hidden = !wait.textContent;
  }

  say(words) {
    byId("map-wait").textContent = words;
    byId("map-wait").hidden = !words;
  }

  /* Drawing ------------------------------------------------------------------------------------ */

  fit() {
    if (!this.isShown) {
      return;
    }
    const frame = byId("map-frame");
    const [width, height] = [frame.clientWidth, frame.clientHeight];
    const density = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    const xs = this.points.map((point) => point.position[0]);
    const ys = this.points.map((point) => point.position[1]);
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [low, high] = [Math.min(...ys), Math.max(...ys)];
    const scale = Math.min(
      (width - 2 * MARGIN) / Math.max(right - left, 1e-9),
      (height - 2 * MARGIN) / Math.max(high - low, 1e-9),
    );
    for (const point of this.points) {
      point.x = (point.position[0] - (left + right) / 2) * scale + width / 2;
      point.y = (point.position[1] - (low + high) / 2) * scale + height / 2;
    }
    this.density = density;
    this.draw();
  }

  onSelection() {
    if (this.isShown) {
      this.picked.show(this.points);
      this.drawSoon();
    }
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    if (!this.isShown) {
      return;
    }
    const style = getComputedStyle(document.body);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    const fills = { easy: color("easy-fill"), hard: color("hard-fill"), review: color("review-fill") };
    const [surface, ink, accent] = [color("surface"), color("ink"), color("accent")];
    const pen = this.canvas.getContext("2d");
    pen.setTransform(this.density, 0, 0, this.density, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const point of this.points) {
      const isDecided = this.session.samples.ownOpinion(point.index) !== null;
      pen.globalAlpha = isDecided ? 0.35 : 1;
      pen.fillStyle = fills[point.category];
      pen.strokeStyle = surface;
      pen.lineWidth = 1;
      shape(pen, point);
      pen.fill();
      pen.stroke();
      pen.globalAlpha = 1;
      if (this.session.selection.has(point.index)) {
        ring(pen, point, 8.5, accent, 2.5);
      }
    }
    if (this.current) {
      ring(pen, this.current, 12, ink, 2.5);
    }
    if (this.lasso?.length > 1) {
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
  }

  /* Pointing ----------------------------------------------------------------------------------- */

  placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  pointerdown(event) {
    if (event.button !== 0 || !event.isPrimary) {
      return;
    }
    this.canvas.setPointerCapture(event.pointerId);
    this.lasso = [this.placeOf(event)];
    this.isLasso = false;
  }

  pointermove(event) {
    const place = this.placeOf(event);
    if (!this.lasso) {
      this.pointAt(pointAt(this.points, ...place));
      return;
    }
    const [x, y] = this.lasso[0];
    this.isLasso ||= Math.hypot(place[0] - x, place[1] - y) > DRAG;
    if (this.isLasso) {
      this.pointAt(null);
      this.lasso.push(place);
      this.drawSoon();
    }
  }

  pointerup(event) {
    const { lasso } = this;
    this.lasso = null;
    if (!lasso) {
      return;
    }
    if (this.isLasso) {
      const inside = this.points.filter((point) => isInside([point.x, point.y], lasso));
      if (!event.shiftKey && !event.ctrlKey && !event.metaKey) {
        this.session.selection.clear();
      }
      this.session.select(inside.map((point) => point.index));
    } else {
      const point = pointAt(this.points, ...lasso[0]);
      if (point) {
        this.session.toggle(point.index, null);
        this.pointAt(point);
      } else {
        this.session.clearSelection();
      }
    }
    this.drawSoon();
  }

  pointercancel() {
    this.lasso = null;
    this.drawSoon();
  }

  pointerleave() {
    if (!this.lasso) {
      this.pointAt(null);
    }
  }

  pointAt(point) {
    if (this.current === point) {
      return;
    }
    this.current = point;
    if (point) {
      this.showTip();
    } else {
      this.tip.hidden = true;
    }
    this.drawSoon();
  }

  showTip() {
    const { samples, classNames } = this.session;
    const point = this.current;
    const facts = samples.facts.get(point.index);
    if (!facts) {
      samples.want([point.index]);
      return;
    }
    const frame = element("span", "picture");
    fillFrame(frame, this.session, point.index);
    const file = element("span", "file name");
    fillFile(file, facts.id);
    const words = element("span", "name", suggestionWords(facts, classNames));
    const flag = facts.is_outlier ? [element("span", "flag", OUTLIER)] : [];
    this.tip.replaceChildren(frame, mark(facts.category), ...flag, file, words);
    this.tip.hidden = false;
    placeTip(this.tip, byId("map-frame"), point.x, point.y);
    const isSelected = this.session.selection.has(point.index) ? ", selected" : "";
    this.canvas.setAttribute(
      "aria-label",
      `Map of the class. ${facts.id}, ${WORDS[facts.category].toLowerCase()}${facts.is_outlier ? `, ${OUTLIER}` : ""}${isSelected}`,
    );
  }

  /* Keys --------------------------------------------------------------------------------------- */

  onKey(event) {
    const direction = DIRECTIONS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !this.points.length) {
      return;
    }
    if (direction) {
      event.preventDefault();
      event.stopPropagation();
      this.pointAt(neighborOf(this.points, this.current ?? this.points.at(-1), direction));
    } else if (event.key === " " && this.current) {
      event.preventDefault();
      event.stopPropagation();
      this.session.toggle(this.current.index, null);
    } else if (event.key === "Enter" && this.current) {
      event.preventDefault();
      event.stopPropagation();
      this.onOpen(this.current.index);
    }
  }
}

function shape(pen, { category, x, y }) {
  pen.beginPath();
  if (category === "easy") {
    pen.arc(x, y, 4.2, 0, 2 * Math.PI);
  } else if (category === "hard") {
    pen.moveTo(x, y - 6.2);
    pen.lineTo(x + 5.8, y + 4.4);
    pen.lineTo(x - 5.8, y + 4.4);
    pen.closePath();
  } else {
    pen.moveTo(x, y - 6.2);
    pen.lineTo(x + 6.2, y);
    pen.lineTo(x, y + 6.2);
    pen.lineTo(x - 6.2, y);
    pen.closePath();
  }
}

function ring(pen, { x, y }, radius, color, width) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.stroke();
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
