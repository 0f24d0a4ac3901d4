/* How the points of a map look: colors and shapes of their groups, and what is said of them. */

import { STATES } from "/page/points_drawn.js";

export class MapLooks {
  constructor(session, tools) {
    this.session = session;
    this.tools = tools;
    this.setPoints(null);
  }

  setPoints(points) {
    this.points = points;
    this.coloring = null;
    this.setBits(null, null);
  }

  /** A bit for each point: whether the filter wants it, whether the annotator decided about it. */
  setBits(wanted, mine) {
    this.wanted = wanted;
    this.mine = mine;
  }

  /** Whether a point may be pointed at and selected. */
  counts(rank) {
    const { highlighted } = this.tools;
    return (
      (!this.wanted || this.points.isIn(this.wanted, rank)) &&
      (highlighted === null || this.groups[rank] === highlighted)
    );
  }

  /** Look anew: `of` gives color, shape and state of a point in the bytes of a number. */
  refresh() {
    const { points, session, tools } = this;
    if (this.coloring !== tools.coloring) {
      this.coloring = tools.coloring;
      this.groups = this.coloring.groupsOf(points);
      this.present = new Set(this.groups);
    }
    this.readColors();
    const { groups, faces } = this;
    const decided = this.decided();
    const selected = new Set([...session.selection].map((index) => points.rankOf(index)));
    const isAny = !this.wanted && tools.highlighted === null;
    this.of = (rank) => {
      const state =
        (selected.has(rank) ? STATES.SELECTED : 0) |
        (isAny || this.counts(rank) ? 0 : STATES.FADED) |
        (decided(rank) ? STATES.DECIDED : 0);
      return faces[groups[rank]] | (state << 16);
    };
  }

  readColors() {
    const style = getComputedStyle(document.body);
    const color = (name) => asHex(style.getPropertyValue(name).trim());
    const variables = [];
    this.faces = [];
    for (const group of this.present) {
      const { variable, shape } = this.coloring.look(group);
      if (!variables.includes(variable)) {
        variables.push(variable);
      }
      this.faces[group] = variables.indexOf(variable) | (shape << 8);
    }
    this.palette = {
      colors: variables.map(color),
      surface: color("--surface"),
      accent: color("--accent"),
      faded: color("--faded"),
      ink: color("--ink"),
    };
  }

  /** Whether the annotator decided about a point, as far as is known here. */
  decided() {
    const { points, mine, session } = this;
    const { samples, touched } = session;
    const known = new Map();
    for (const index of new Set([...samples.opinions.keys(), ...touched])) {
      known.set(points.rankOf(index), samples.ownOpinion(index) !== null);
    }
    return (rank) => known.get(rank) ?? (mine !== null && points.isIn(mine, rank));
  }

  /** The rim of a picture: the color of its point, or that of what is selected. */
  rimOf(rank) {
    const look = this.of(rank);
    return (look >> 16) & STATES.SELECTED ? this.palette.accent : this.palette.colors[look & 255];
  }
}

/** A color of the style as #rrggbb. */
function asHex(color) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = color;
  return /^#[0-9a-f]{6}$/i.test(pen.fillStyle) ? pen.fillStyle : "#808080";
}
