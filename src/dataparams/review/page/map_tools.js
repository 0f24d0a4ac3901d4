/* What stands around the map: by what samples lie together, their colors and what these mean. */

import { byId, count, element } from "/page/elements.js";
import { COLORINGS, MOST_GROUPS, SHAPES, legendOf } from "/page/map_colors.js";

export class MapTools extends EventTarget {
  constructor(run) {
    super();
    this.run = run;
    this.classNames = run.classes.map((one) => one.name);
    this.highlighted = null;
    for (const [name, { title }] of Object.entries(COLORINGS)) {
      byId("map-color").append(new Option(title, name));
    }
    byId("map-by-field").hidden = !run.has_features;
    byId("map-wanted-field").hidden = !run.has_features;
    byId("map-by").value = run.has_features ? "features" : "temperatures";
    byId("map-by").addEventListener("change", () => this.tell("kind"));
    byId("map-wanted").addEventListener("change", () => this.tell("wanted"));
    byId("map-color").addEventListener("change", () => {
      this.highlighted = null;
      this.tell("color");
    });
    for (const button of document.querySelectorAll("[data-map-mode]")) {
      button.addEventListener("click", () => this.setMode(button.dataset.mapMode));
    }
    for (const button of document.querySelectorAll("[data-map-zoom]")) {
      button.addEventListener("click", () => this.tell("zoom", button.dataset.mapZoom));
    }
    this.list = byId("map-legend-list");
    this.list.addEventListener("click", ({ target }) => this.highlight(target.closest("button")));
    byId("map-legend").open = matchMedia("(min-width: 62rem)").matches;
    this.setMode("select");
  }

  tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  get isOfAll() {
    return byId("map-by").value === "features";
  }

  get showsWantedOnly() {
    return this.run.has_features && this.isOfAll && byId("map-wanted").checked;
  }

  get coloring() {
    return COLORINGS[byId("map-color").value];
  }

  get moves() {
    return this.mode === "move";
  }

  setMode(mode) {
    this.mode = mode;
    for (const button of document.querySelectorAll("[data-map-mode]")) {
      button.setAttribute("aria-pressed", button.dataset.mapMode === mode);
    }
    byId("map").classList.toggle("moves", mode === "move");
  }

  highlight(button) {
    if (!button) {
      return;
    }
    const group = Number(button.dataset.group);
    this.highlighted = this.highlighted === group ? null : group;
    for (const other of this.list.querySelectorAll("button")) {
      other.setAttribute("aria-pressed", Number(other.dataset.group) === this.highlighted);
    }
    this.tell("look");
  }

  drawLegend(points) {
    const groups = points ? legendOf(this.coloring, points, this.classNames) : [];
    byId("map-legend").hidden = groups.length < 2;
    const repeats = groups.length > MOST_GROUPS;
    byId("map-legend-note").hidden = !repeats;
    byId("map-legend-note").textContent = repeats
      ? `${count(groups.length)} classes: colors come again. Press one to see where it lies.`
      : "";
    this.list.replaceChildren(
      ...groups.map(({ group, name, count: many, variable, shape }) => {
        const button = element("button", "legend-entry");
        button.type = "button";
        button.dataset.group = group;
        button.setAttribute("aria-pressed", group === this.highlighted);
        const sign = element("span", "sign", SHAPES[shape]);
        sign.setAttribute("aria-hidden", "true");
        sign.style.color = `var(${variable})`;
        button.append(sign, element("span", "name", name), element("span", "muted", many));
        const item = element("li");
        item.append(button);
        return item;
      }),
    );
  }
}
