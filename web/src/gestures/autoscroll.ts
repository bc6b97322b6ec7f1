/** Scrolling by itself while something is dragged near an edge. Pure: how fast, not when. */

const REACH = 48;
const FASTEST = 900;

/** Pixels a second along one axis, for a pointer at `position` between `start` and `end` of what can be seen. */
export function scrollVelocity(position: number, start: number, end: number): number {
  const into = Math.min(REACH, (end - start) / 4);
  if (position < start + into) return -FASTEST * Math.min(1, (start + into - position) / into) ** 2;
  if (position > end - into) return FASTEST * Math.min(1, (position - end + into) / into) ** 2;
  return 0;
}
