/* Words on the map, where there is room for them: of a text the first, of a row what is unusual. */

import { contentWords } from "/page/contents.js";
import { withRoom } from "/page/map_room.js";

const [WIDTH, HEIGHT] = [132, 38]; // CSS pixels
const [INDENT, LINE] = [9, 15];
const FONT = "12px system-ui, sans-serif";
const LINES = 2;
const LETTERS = 80; // of which so many have room at most

export class MapLabels {
  constructor(session, onLoad) {
    this.samples = session.samples;
    this.isPossible = session.run.kind !== null;
    this.onLoad = onLoad;
    this.lines = new Map(); // by sample, as they have room
  }

  /** How far a label reaches from its place, across and down. */
  get reach() {
    return [WIDTH / 2, HEIGHT / 2];
  }

  /** Those of the points in view that have room, each by its place in pixels. */
  placed(frame, grid, points, counts) {
    return this.isPossible ? withRoom(frame, grid, points, counts, [WIDTH + 6, HEIGHT + 6], true) : [];
  }

  draw(pen, placed, points, frameColorOf, { surface, ink }) {
    pen.font = FONT;
    pen.textBaseline = "middle";
    for (const { rank, x, y } of placed) {
      const lines = this.linesOf(points.index[rank], pen);
      if (lines === null) {
        continue;
      }
      const [left, top] = [x - WIDTH / 2, y - HEIGHT / 2];
      pen.fillStyle = frameColorOf(rank);
      pen.fillRect(left - 1, top - 1, WIDTH + 2, HEIGHT + 2);
      pen.fillStyle = surface;
      pen.fillRect(left + 3, top, WIDTH - 3, HEIGHT);
      pen.fillStyle = ink;
      lines.forEach((line, i) => {
        pen.fillText(line, left + INDENT, y + LINE * (i - (lines.length - 1) / 2));
      });
    }
  }

  /** The data were changed: they are read anew. */
  forget() {
    this.lines.clear();
  }

  /** What is written of a sample; null while that is not known. */
  linesOf(index, pen) {
    if (!this.lines.has(index)) {
      if (!this.samples.excerpts.has(index)) {
        this.samples.loadExcerpt(index).then(this.onLoad, () => {});
        return null;
      }
      this.lines.set(index, linesOf(this.samples.excerpts.get(index), pen));
    }
    return this.lines.get(index);
  }
}

function linesOf(excerpt, pen) {
  const room = WIDTH - INDENT - 4;
  if (excerpt?.cells) {
    const cells = [...excerpt.cells].sort(([, , a], [, , b]) => Boolean(b) - Boolean(a));
    const words = cells.slice(0, LINES).map((cell) => contentWords({ text: null, cells: [cell] }, LETTERS));
    return words.map((line, i) => fitted(cells[i][2] ? `! ${line}` : line, room, pen));
  }
  return broken(contentWords(excerpt, LETTERS) || "–", room, pen);
}

/** A text in lines, broken between words where that is possible. */
function broken(text, room, pen) {
  const words = text.split(" ");
  let first = words.shift();
  while (words.length && pen.measureText(`${first} ${words[0]}`).width <= room) {
    first += ` ${words.shift()}`;
  }
  return [first, ...(words.length ? [words.join(" ")] : [])].map((line) => fitted(line, room, pen));
}

function fitted(line, room, pen) {
  if (pen.measureText(line).width <= room) {
    return line;
  }
  const letters = [...line];
  while (letters.length > 1 && pen.measureText(`${letters.join("")}…`).width > room) {
    letters.pop();
  }
  return `${letters.join("")}…`;
}
