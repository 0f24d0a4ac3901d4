/* Some of very many points in place of all: while a map is moved, and where it shows a part of them. */

export const FEW = 40_000; // points that a processor without a graphics card draws fluidly
const FOURTH = 2; // bits of a number of which a fourth of all numbers have none

/** How often three of four points are left out so that few of those in view are left. */
export function levelFor(seen) {
  let level = 0;
  for (let left = seen; left > FEW; left /= 4) {
    level += 1;
  }
  return level;
}

/** Which of so many points stand for all at a level: at random, always the same, in order. */
export function thinned(count, level) {
  const mask = 2 ** (FOURTH * level) - 1;
  const some = new Uint32Array(count);
  let length = 0;
  for (let i = 0; i < count; i += 1) {
    if ((scattered(i) & mask) === 0) {
      some[length] = i;
      length += 1;
    }
  }
  return some.slice(0, length);
}

/** A number whose bits tell nothing of where it stands in the order. */
function scattered(number) {
  let bits = number;
  for (let turn = 0; turn < 2; turn += 1) {
    bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b);
  }
  return (bits ^ (bits >>> 16)) >>> 0;
}
