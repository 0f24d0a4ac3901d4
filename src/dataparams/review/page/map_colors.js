/* How points are told apart: groups of them, each with a color, a shape and a name. */

import { SIGNS, WORDS, count } from "/page/elements.js";

export const SHAPES = ["●", "◆", "▲", "■"];
const HUES = 6; // colors of lines and points that are told apart without seeing red or green
export const MOST_GROUPS = HUES * SHAPES.length;
const BY_CATEGORY = ["easy", "hard", "review"];
const STEPS = [0.01, 0.05, 0.15, 0.4, 1]; // shares of the samples, in the order of looking
const STEP_WORDS = ["the first 1%", "1 to 5%", "5 to 15%", "15 to 40%", "the last 60%"];

/** Each: the group of a point, and how groups look. A variable of the style names the color. */
export const COLORINGS = {
  category: {
    title: "Category",
    groupsOf: (points) => points.category,
    look: (group) => ({
      variable: `--${BY_CATEGORY[group]}-fill`,
      shape: SHAPES.indexOf(SIGNS[BY_CATEGORY[group]]),
    }),
    names: () => BY_CATEGORY.map((name) => WORDS[name]),
    order: [1, 2, 0],
  },
  class: {
    title: "Given class",
    groupsOf: (points) => points.label,
    look: (group) => ({
      variable: `--series-${group % HUES}`,
      shape: Math.floor(group / HUES) % SHAPES.length,
    }),
    names: (classNames) => classNames,
  },
  suspicion: {
    title: "Order of looking",
    groupsOf: (points) => {
      const groups = new Uint8Array(points.length);
      let step = 0;
      for (let rank = 0; rank < points.length; rank += 1) {
        while (rank >= STEPS[step] * points.length && step < STEPS.length - 1) {
          step += 1;
        }
        groups[rank] = step;
      }
      return groups;
    },
    look: (group) => ({ variable: `--step-${group}`, shape: 0 }),
    names: () => STEP_WORDS,
  },
};

/** What a legend lists: the groups that have points, the largest first where there is no order. */
export function legendOf(coloring, points, classNames) {
  const groups = coloring.groupsOf(points);
  const names = coloring.names(classNames);
  const counts = new Uint32Array(names.length);
  groups.forEach((group) => {
    counts[group] += 1;
  });
  const order = coloring.order ?? [...names.keys()];
  return order
    .filter((group) => counts[group])
    .map((group) => ({
      group,
      name: names[group],
      count: count(counts[group]),
      ...coloring.look(group),
    }));
}
