/**
 * One day from top to bottom: instant ↔ y. Rows come from the server as instants; their heights follow their lengths, so
 * that a day of 46 or 50 rows, or one with a short last row, is drawn to scale. Does not belong here: labels, columns.
 */

import type { Instant } from '../wire/instant';

export class DayLayout {
  readonly height: number;
  /** y of each row's top, and of the day's end: one more than there are rows. */
  readonly #tops: readonly number[];

  /**
   * `boundaries` are the row starts in order and, last, the day's end; a row of `slotSeconds` is `rowHeight` pixels high.
   */
  constructor(
    readonly date: string,
    readonly boundaries: readonly Instant[],
    readonly slotSeconds: number,
    readonly rowHeight: number,
  ) {
    const start = this.start;
    this.#tops = boundaries.map((instant) => ((instant - start) / slotSeconds) * rowHeight);
    this.height = this.#tops.at(-1) ?? 0;
  }

  get start(): Instant {
    return this.boundaries[0] ?? 0;
  }

  get end(): Instant {
    return this.boundaries.at(-1) ?? 0;
  }

  get rowCount(): number {
    return Math.max(0, this.boundaries.length - 1);
  }

  /** The row's `[start, end)`; the index is clamped to the day. */
  row(index: number): { start: Instant; end: Instant } {
    const row = Math.min(Math.max(index, 0), this.rowCount - 1);
    return { start: this.boundaries[row] ?? 0, end: this.boundaries[row + 1] ?? 0 };
  }

  top(index: number): number {
    return this.#tops[index] ?? 0;
  }

  /** The row that holds the pixel, clamped to the day. */
  rowAt(y: number): number {
    return this.#before(this.#tops, y);
  }

  /** The row that holds the instant, clamped to the day. */
  rowOf(instant: Instant): number {
    return this.#before(this.boundaries, instant);
  }

  /** y of an instant; outside the day, of its nearer end. */
  yOf(instant: Instant): number {
    const clamped = Math.min(Math.max(instant, this.start), this.end);
    return ((clamped - this.start) / this.slotSeconds) * this.rowHeight;
  }

  contains(instant: Instant): boolean {
    return this.start <= instant && instant < this.end;
  }

  /** Index of the last row that starts at or before the value. O(log rows). */
  #before(starts: readonly number[], value: number): number {
    let low = 0;
    let high = this.rowCount - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where an interval lies on a day, and whether it goes on beyond either end (T6); null where it does not touch it. */
export interface Placement {
  readonly top: number;
  readonly height: number;
  readonly continuesBefore: boolean;
  readonly continuesAfter: boolean;
}

export function place(day: DayLayout, interval: { start: Instant; end: Instant }): Placement | null {
  if (interval.end <= day.start || day.end <= interval.start) return null;
  const top = day.yOf(interval.start);
  return {
    top,
    height: day.yOf(interval.end) - top,
    continuesBefore: interval.start < day.start,
    continuesAfter: interval.end > day.end,
  };
}
