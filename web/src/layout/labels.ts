/**
 * Instants as people at the location read them off the wall. All zone knowledge of the app is here, and it is the
 * browser's: `Intl.DateTimeFormat` for the location's zone. Nothing is computed from a label.
 */

import type { Instant } from '../wire/instant';

export class ZoneLabels {
  readonly #time: Intl.DateTimeFormat;
  readonly #zone: Intl.DateTimeFormat;
  readonly #date: Intl.DateTimeFormat;

  constructor(readonly timezone: string) {
    this.#time = new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    this.#zone = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'short' });
    this.#date = new Intl.DateTimeFormat('en-CA', {
      timeZone: timezone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
  }

  /** `01:30`, and nothing about which one, where there are two. */
  wall(instant: Instant): string {
    return this.#time.format(instant * 1000);
  }

  /** `EDT`: the letters (or the offset) of the zone at that instant. */
  letters(instant: Instant): string {
    return this.#zone.formatToParts(instant * 1000).find((part) => part.type === 'timeZoneName')?.value ?? '';
  }

  /** `14:30`, or `01:30 EDT` where clocks going back make that time happen twice. */
  time(instant: Instant): string {
    const wall = this.wall(instant);
    return this.#happensTwice(instant, wall) ? `${wall} ${this.letters(instant)}` : wall;
  }

  /** `14:30–16:00`. */
  range(start: Instant, end: Instant): string {
    return `${this.time(start)}–${this.time(end)}`;
  }

  /** The local date, `YYYY-MM-DD`. */
  date(instant: Instant): string {
    return this.#date.format(instant * 1000);
  }

  /** Clocks go back by an hour, or by half of one (Lord Howe), or rarely by two. */
  #happensTwice(instant: Instant, wall: string): boolean {
    return [1800, 3600, 7200].some(
      (shift) => this.wall(instant + shift) === wall || this.wall(instant - shift) === wall,
    );
  }
}

/** `1 h 30 min`. */
export function durationLabel(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours === 0) return `${String(rest)} min`;
  return rest === 0 ? `${String(hours)} h` : `${String(hours)} h ${String(rest)} min`;
}
