/* Pictures on the map, where there is room for them. */

import { pictureAddress } from "/page/pieces.js";

const SIDE = 64;
const APART = SIDE + 6;
const MOST_IN_VIEW = 600;
const KEPT = 300;

export class MapPictures {
  constructor(run, onLoad) {
    this.run = run;
    this.onLoad = onLoad;
    this.pictures = new Map();
  }

  /** Those of the points in view that have room, each by its place in pixels. */
  placed(frame, grid, points, counts) {
    const { box } = frame;
    if (this.run.kind !== "image" || grid.count(box) > 2 * MOST_IN_VIEW) {
      return [];
    }
    const inView = grid.within(box);
    if (inView.length > MOST_IN_VIEW) {
      return [];
    }
    const taken = new Map();
    const placed = [];
    for (const rank of inView) {
      const [x, y] = frame.pixelOf(points.xs[rank], points.ys[rank]);
      const [column, row] = [Math.floor(x / APART), Math.floor(y / APART)];
      if (counts(rank) && isFree(taken, x, y, column, row)) {
        taken.set(`${column} ${row}`, [x, y]);
        placed.push({ rank, x, y });
      }
    }
    return placed;
  }

  draw(pen, placed, points, frameColorOf) {
    for (const { rank, x, y } of placed) {
      const picture = this.of(points.index[rank]);
      if (picture.complete && picture.naturalWidth) {
        const scale = SIDE / Math.max(picture.naturalWidth, picture.naturalHeight);
        const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
        pen.fillStyle = frameColorOf(rank);
        pen.fillRect(x - width / 2 - 3, y - height / 2 - 3, width + 6, height + 6);
        pen.drawImage(picture, x - width / 2, y - height / 2, width, height);
      }
    }
  }

  of(index) {
    let picture = this.pictures.get(index);
    if (!picture) {
      picture = new Image();
      picture.addEventListener("load", () => this.onLoad());
      picture.src = pictureAddress(this.run.run, index, "small");
    }
    this.pictures.delete(index);
    this.pictures.set(index, picture); // the one that was used last
    for (const one of this.pictures.keys()) {
      if (this.pictures.size <= KEPT) {
        break;
      }
      this.pictures.delete(one);
    }
    return picture;
  }
}

function isFree(taken, x, y, column, row) {
  for (let right = -1; right <= 1; right += 1) {
    for (let down = -1; down <= 1; down += 1) {
      const other = taken.get(`${column + right} ${row + down}`);
      if (other && Math.abs(other[0] - x) < APART && Math.abs(other[1] - y) < APART) {
        return false;
      }
    }
  }
  return true;
}
