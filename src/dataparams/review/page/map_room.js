/* Which points of a map have room for more than a mark. */

const MOST_IN_VIEW = 600;

/**
 * Those of the points in view that have room, each by its place in pixels; none where many are in
 * view. `room` is what one takes, across and down; `isInside` keeps all of it within the frame.
 */
export function withRoom(frame, grid, points, counts, room, isInside = false) {
  const { box } = frame;
  if (grid.count(box) > 2 * MOST_IN_VIEW) {
    return [];
  }
  const inView = grid.within(box);
  if (inView.length > MOST_IN_VIEW) {
    return [];
  }
  const taken = new Map();
  const placed = [];
  for (const rank of inView) {
    const place = frame.pixelOf(points.xs[rank], points.ys[rank]);
    const [x, y] = isInside ? within(frame, place, room) : place;
    const cell = [Math.floor(x / room[0]), Math.floor(y / room[1])];
    if (counts(rank) && isFree(taken, x, y, cell, room)) {
      taken.set(cell.join(" "), [x, y]);
      placed.push({ rank, x, y });
    }
  }
  return placed;
}

function within(frame, place, room) {
  return [frame.width, frame.height].map((side, i) =>
    Math.max(room[i] / 2, Math.min(place[i], side - room[i] / 2)),
  );
}

function isFree(taken, x, y, [column, row], [across, down]) {
  for (let right = -1; right <= 1; right += 1) {
    for (let below = -1; below <= 1; below += 1) {
      const other = taken.get(`${column + right} ${row + below}`);
      if (other && Math.abs(other[0] - x) < across && Math.abs(other[1] - y) < down) {
        return false;
      }
    }
  }
  return true;
}
