/* The temperature of a sample over the training, before the bands of easy and hard samples. */

import { drawn, phrase } from "./elements.js";

export class TrajectoryChart {
  /** A chart as dataparams.web.charts.trajectory_chart describes it, drawn into an element. */
  constructor(place, chart) {
    this.axes = chart.axes;
    this.epochs = chart.epochs;
    const { left, right, top, bottom, width, height } = chart.axes;
    const svg = drawn("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img" });
    this.svg = svg;
    for (const { at, text } of chart.temperature_ticks) {
      svg.append(drawn("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }));
      svg.append(words(text, left - 8, at + 4, "end"));
    }
    if (chart.start !== null) {
      const { start } = chart;
      svg.append(drawn("line", { class: "start", x1: left, x2: right, y1: start, y2: start }));
    }
    for (const { at, text } of chart.epoch_ticks) {
      svg.append(words(text, at, bottom + 18, "middle"));
    }
    svg.append(words(phrase("epoch"), (left + right) / 2, bottom + 36, "middle"));
    svg.append(words(phrase("temperature"), 0, Math.min(12, top), "start"));
    for (const { group, area, line } of chart.bands) {
      svg.append(drawn("path", { class: `area ${group}`, d: area }));
      svg.append(drawn("path", { class: `line behind ${group}`, d: line }));
    }
    this.line = drawn("path", { class: "line own", d: "" });
    this.end = drawn("circle", { class: "own-end", r: 4, visibility: "hidden" });
    svg.append(this.line, this.end);
    place.replaceChildren(svg);
  }

  x(epoch) {
    const { first, last, left, right } = this.axes;
    const share = last > first ? (epoch - first) / (last - first) : 0.5; // as the axes do
    return left + share * (right - left);
  }

  y(logTemperature) {
    const { low, high, top, bottom } = this.axes;
    const share = (high - logTemperature) / (high - low);
    return top + Math.max(0, Math.min(share, 1)) * (bottom - top);
  }

  /** Draw log temperatures, null where one is unknown; null in place of all for no trajectory. */
  draw(trajectory) {
    const known = (trajectory ?? [])
      .map((value, i) => [this.epochs[i], value])
      .filter(([, value]) => value !== null);
    const points = known.map(([epoch, value]) => [this.x(epoch).toFixed(1), this.y(value).toFixed(1)]);
    const last = points.at(-1);
    this.line.setAttribute("d", last ? `M${points.map((point) => point.join(" ")).join("L")}` : "");
    this.end.setAttribute("visibility", last ? "visible" : "hidden");
    if (last) {
      this.end.setAttribute("cx", last[0]);
      this.end.setAttribute("cy", last[1]);
    }
    const ends = [known[0], known.at(-1)].map((one) => one && Math.exp(one[1]).toFixed(2));
    this.svg.setAttribute(
      "aria-label",
      last ? phrase("trajectory", { first: ends[0], last: ends[1] }) : phrase("no_trajectory"),
    );
  }
}

function words(text, x, y, anchor) {
  const made = drawn("text", { class: "tick", x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}
