/* What maps of samples have in common: points with x and y, in one unit of length. */

const REACH = 18; // CSS pixels within which a mark counts as pointed at: fingers are wide
const BESIDE = 16; // between a mark and the box that tells of it

export const DIRECTIONS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The point that is pointed at, null for none; the later of two is drawn on top. */
export function pointAt(points, x, y, scale = 1) {
  let nearest = null;
  let best = REACH / scale;
  for (const point of points) {
    const distance = Math.hypot(point.x - x, point.y - y);
    if (distance <= best) {
      [nearest, best] = [point, distance];
    }
  }
  return nearest;
}

/** The nearest point in a direction; what lies aside of it counts as further away. */
export function neighborOf(points, from, [right, down]) {
  let best = from;
  let least = Infinity;
  for (const point of points) {
    const [x, y] = [point.x - from.x, point.y - from.y];
    const along = x * right + y * down;
    const aside = Math.abs(x * down) + Math.abs(y * right);
    const cost = along + 2 * aside;
    if (along > 0.5 && cost < least) {
      [best, least] = [point, cost];
    }
  }
  return best;
}

/** Put a box beside a mark, all of it within the map; lengths in CSS pixels. */
export function placeTip(tip, map, x, y) {
  const isRight = x + BESIDE + tip.offsetWidth > map.clientWidth;
  const left = isRight ? x - BESIDE - tip.offsetWidth : x + BESIDE;
  const lowest = map.clientHeight - tip.offsetHeight - 4;
  tip.style.left = `${Math.max(left, 4)}px`;
  tip.style.top = `${Math.max(Math.min(y - 40, lowest), 4)}px`;
}
