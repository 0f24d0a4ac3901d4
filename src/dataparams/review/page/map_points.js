/* The points of a map: numbers, classes, categories and places of samples, as they come. */

import { get, getBytes } from "/page/server.js";

const CATEGORIES = ["easy", "hard", "review"];
const LAID_OUT = 65_535; // the largest number of a place
const UNTOLD = 255; // in place of a category: of this sample nothing may be told yet
const BYTES = 13; // of a sample: number 4, class 4, x 2, y 2, category 1
const PAUSE = 700; // milliseconds between two questions how far a map is

export class MapPoints {
  /** Places from 0 to 1; the first are looked at first. */
  constructor(index, label, category, xs, ys, places = null) {
    this.index = index;
    this.label = label;
    this.category = category;
    this.xs = xs;
    this.ys = ys;
    this.places = places; // among all samples, where some are left out
    this.ranks = null;
  }

  get length() {
    return this.index.length;
  }

  /** Whether a point is among those of which there is a bit for each sample. */
  isIn(bits, rank) {
    const place = this.places ? this.places[rank] : rank;
    return ((bits[place >> 3] >> (place & 7)) & 1) === 1;
  }

  categoryOf(rank) {
    return CATEGORIES[this.category[rank]];
  }

  /** Where a sample is among the points; undefined where it is none of them. */
  rankOf(index) {
    if (!this.ranks) {
      const largest = this.index.reduce((most, one) => Math.max(most, one), 0);
      this.ranks = new Uint32Array(largest + 1); // one more than the rank; 0 for none
      this.index.forEach((one, rank) => {
        this.ranks[one] = rank + 1;
      });
    }
    const rank = this.ranks[index];
    return rank ? rank - 1 : undefined;
  }
}

/** All samples by what the model sees; `tell` hears how far the map is. */
export async function loadAll(annotator, tell, isWanted, again = false) {
  let answer = await get("/api/map", again ? { again } : {});
  while (answer.state === "making" && isWanted()) {
    tell(answer.share);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    answer = await get("/api/map");
  }
  if (answer.state !== "ready") {
    return { points: null, words: answer.words };
  }
  const { total, most } = answer;
  const index = new Uint32Array(total);
  const label = new Uint32Array(total);
  const category = new Uint8Array(total);
  const xs = new Float32Array(total);
  const ys = new Float32Array(total);
  for (let start = 0; start < total; start += most) {
    const bytes = await getBytes("/api/map/points", { start, annotator });
    const count = bytes.byteLength / BYTES;
    index.set(new Uint32Array(bytes, 0, count), start);
    label.set(new Uint32Array(bytes, 4 * count, count), start);
    const [x, y] = [8, 10].map((offset) => new Uint16Array(bytes, offset * count, count));
    for (let i = 0; i < count; i += 1) {
      xs[start + i] = x[i] / LAID_OUT;
      ys[start + i] = y[i] / LAID_OUT;
    }
    category.set(new Uint8Array(bytes, 12 * count, count), start);
  }
  return { points: told(new MapPoints(index, label, category, xs, ys)), words: "" };
}

/** The points of which something may be told. */
function told(points) {
  if (!points.category.includes(UNTOLD)) {
    return points;
  }
  const places = Uint32Array.from(points.index.keys()).filter(
    (place) => points.category[place] !== UNTOLD,
  );
  const some = (values) => values.constructor.from(places, (place) => values[place]);
  const { index, label, category, xs, ys } = points;
  return new MapPoints(...[index, label, category, xs, ys].map(some), places);
}

/** A class by how its temperatures moved. */
export async function loadClass(label) {
  const { samples, total } = await get(`/api/maps/${label}`);
  const xs = Float32Array.from(samples, (one) => one.x);
  const ys = Float32Array.from(samples, (one) => one.y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const extent = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1e-9);
  const points = new MapPoints(
    Uint32Array.from(samples, (one) => one.index),
    new Uint32Array(samples.length).fill(label),
    Uint8Array.from(samples, (one) => CATEGORIES.indexOf(one.category)),
    xs.map((x) => (x - left) / extent),
    ys.map((y) => (y - top) / extent),
  );
  return { points, total };
}

/** A bit for each point: which ones a filter wants. */
export async function loadWanted(query) {
  return new Uint8Array(await getBytes("/api/map/wanted", query));
}

export function countBits(bits) {
  let total = 0;
  for (let byte of bits) {
    for (; byte; byte &= byte - 1) {
      total += 1;
    }
  }
  return total;
}
