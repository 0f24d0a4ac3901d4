/* The map of a class. */

import { element, fillName, mark, percent } from "../../web/page/elements.js";
import { DIRECTIONS, neighborOf, placeTip, pointAt } from "../../web/page/points.js";
import { loadSample, parseReference } from "./chunks.js";
import { fillPicture } from "./piles.js";
import { reportPhrase } from "./words.js";

export class SampleMap {
  constructor(svg, zoom) {
    this.svg = svg;
    this.tip = document.getElementById("map-tip");
    this.ring = document.getElementById("map-ring");
    this.points = [...svg.querySelectorAll(".point")].map((mark) => ({
      x: Number(mark.getAttribute("x")),
      y: Number(mark.getAttribute("y")),
      reference: mark.dataset.sample,
    }));
    this.current = null;
    this.last = this.mostSuspicious();
    svg.addEventListener("pointermove", (event) => this.select(this.at(event)));
    svg.addEventListener("pointerleave", () => this.select(null));
    svg.addEventListener("focus", () => this.current || this.select(this.last));
    svg.addEventListener("blur", () => this.select(null));
    svg.addEventListener("keydown", (event) => this.onKey(event));
    svg.addEventListener("click", (event) => {
      this.select(this.at(event));
      this.enlarge();
    });
    this.zoom = zoom;
  }

  /** Pixels per unit of the drawing. */
  scale() {
    return this.svg.clientWidth / this.svg.viewBox.baseVal.width;
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = this.scale();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return pointAt(this.points, x / scale, y / scale, scale);
  }

  mostSuspicious() {
    return this.points.find((point) => point.reference === "hard:0") ?? this.points[0];
  }

  async select(point) {
    if (this.current === point) {
      return;
    }
    this.current = point;
    this.ring.setAttribute("visibility", point ? "visible" : "hidden");
    if (!point) {
      this.tip.hidden = true;
      return;
    }
    this.last = point;
    this.ring.setAttribute("cx", point.x);
    this.ring.setAttribute("cy", point.y);
    const sample = await loadSample(...parseReference(point.reference));
    if (this.current === point) {
      this.showTip(sample, point);
    }
  }

  showTip(sample, point) {
    const picture = element("span", "picture");
    fillPicture(picture, sample, sample.small);
    const file = element("span", "file name");
    fillName(file, sample.id);
    const lines = [
      picture,
      mark(sample.category),
      file,
      element("span", "name", `${reportPhrase("given")}: ${sample.label}`),
    ];
    const words = [sample.note, sample.suggested ?? "", percent(sample.confidence)];
    lines.push(element("span", "name", `${reportPhrase("suggested")}: ${words.filter(Boolean).join(" ")}`));
    this.tip.replaceChildren(...lines);
    this.tip.hidden = false;
    const scale = this.scale();
    placeTip(this.tip, this.svg, point.x * scale, point.y * scale);
  }

  onKey(event) {
    const direction = DIRECTIONS[event.key];
    if (direction) {
      event.preventDefault();
      this.select(neighborOf(this.points, this.last, direction));
    } else if (event.key === "Enter") {
      // Else the key goes on to the button that the dialog puts the focus on.
      event.preventDefault();
      this.enlarge();
    } else if (event.key === "Escape") {
      this.select(null);
    }
  }

  enlarge() {
    if (this.current) {
      this.zoom.open(...parseReference(this.current.reference), this.svg);
    }
  }
}
