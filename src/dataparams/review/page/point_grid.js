/* Points on a plane in cells, so that those in a place are found among a million. */

const PER_CELL = 4;
const MOST_CELLS = 512; // along a side

export class PointGrid {
  /** Points by their coordinates, 0 ... 1 each. */
  constructor(xs, ys) {
    const total = xs.length;
    this.xs = xs;
    this.ys = ys;
    this.side = Math.max(1, Math.min(MOST_CELLS, Math.round(Math.sqrt(total / PER_CELL))));
    this.starts = new Uint32Array(this.side * this.side + 1);
    const cells = new Uint32Array(total);
    for (let i = 0; i < total; i += 1) {
      const cell = this.row(ys[i]) * this.side + this.row(xs[i]);
      cells[i] = cell;
      this.starts[cell + 1] += 1;
    }
    for (let cell = 1; cell < this.starts.length; cell += 1) {
      this.starts[cell] += this.starts[cell - 1];
    }
    const next = this.starts.slice();
    this.order = new Uint32Array(total);
    for (let i = 0; i < total; i += 1) {
      this.order[next[cells[i]]] = i;
      next[cells[i]] += 1;
    }
  }

  row(value) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(value * this.side)));
  }

  /** Parts of `order` with the points of a box, and a few around it. */
  *parts({ left, top, right, bottom }) {
    const [first, last] = [this.row(left), this.row(right)];
    for (let row = this.row(top); row <= this.row(bottom); row += 1) {
      yield [this.starts[row * this.side + first], this.starts[row * this.side + last + 1]];
    }
  }

  /** About how many points lie in a box. */
  count(box) {
    let total = 0;
    for (const [from, to] of this.parts(box)) {
      total += to - from;
    }
    return total;
  }

  /** The points in a box, in their own order; where there are more than `most`, the first ones. */
  within(box, most = Infinity) {
    const found = [];
    for (const [from, to] of this.parts(box)) {
      for (let place = from; place < to; place += 1) {
        const i = this.order[place];
        const [x, y] = [this.xs[i], this.ys[i]];
        if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) {
          found.push(i);
        }
      }
    }
    found.sort((a, b) => a - b);
    return found.length > most ? found.slice(0, most) : found;
  }

  /** The point nearest to a place within reach that counts; -1 for none. */
  nearest(x, y, reach, counts) {
    let best = reach;
    let nearest = -1;
    const box = { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach };
    for (const [from, to] of this.parts(box)) {
      for (let place = from; place < to; place += 1) {
        const i = this.order[place];
        const distance = Math.hypot(this.xs[i] - x, this.ys[i] - y);
        const isNearer = distance < best || (distance === best && i < nearest);
        if (isNearer && counts(i)) {
          [nearest, best] = [i, distance];
        }
      }
    }
    return nearest;
  }
}
