/* Pictures on the map, where there is room for them. */

import { withRoom } from "/page/map_room.js";
import { pictureAddress } from "/page/pieces.js";

const SIDE = 64;
const APART = SIDE + 6;
const KEPT = 300;

export class MapPictures {
  constructor(session, onLoad) {
    this.run = session.run;
    this.onLoad = onLoad;
    this.pictures = new Map();
  }

  /** How far a picture reaches from its place, across and down. */
  get reach() {
    return [APART / 2 - 1, APART / 2 - 1];
  }

  /** Those of the points in view that have room, each by its place in pixels. */
  placed(frame, grid, points, counts) {
    return withRoom(frame, grid, points, counts, [APART, APART]);
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

  /** The data were changed: what could not be had may be had now. */
  forget() {
    this.pictures.clear();
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
