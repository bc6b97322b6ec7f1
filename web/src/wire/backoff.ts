/** How long to wait before trying again. Belongs here: the delays. Does not belong here: timers. */

export const FIRST_DELAY_MS = 500;
export const LONGEST_DELAY_MS = 30_000;

/**
 * Full jitter: evenly spread between nothing and a ceiling that doubles with each attempt, up to 30 s, so that clients
 * that lost the server together do not come back together. `attempt` counts from 0; `random` is in [0, 1).
 */
export function fullJitter(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16));
}
