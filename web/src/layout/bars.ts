/**
 * Where the bars of a chart lie. Pure: shares in, lengths out. Does not belong here: drawing (`render/admin/BarChart`), and
 * which figures they are.
 */

export interface Bar {
  /** From the left, and as wide as it is, both as shares of the chart's width. */
  left: number;
  width: number;
  /** As a share of the chart's height; null where there is nothing to show, which is not the same as none. */
  height: number | null;
}

/** How much of a bar's place stays free between it and the next. */
const GAP = 0.24;
/** A single bar as wide as the chart would look like a wall. */
const WIDEST = 0.12;

/** A bar for each of the values, which are shares of `top`; those above it are cut off there. */
export function barsOf(values: readonly (number | null)[], top: number): Bar[] {
  const place = values.length === 0 ? 0 : 1 / values.length;
  const width = Math.min(place * (1 - GAP), WIDEST);
  return values.map((value, index) => ({
    left: place * index + (place - width) / 2,
    width,
    height: value === null ? null : Math.min(Math.max(value / top, 0), 1),
  }));
}

/** The end of the scale: the least of some round shares that nothing exceeds. */
export function topOf(values: readonly (number | null)[]): number {
  const highest = Math.max(0, ...values.map((value) => value ?? 0));
  return [0.1, 0.25, 0.5, 0.75].find((top) => highest <= top) ?? 1;
}

/** Which of so many labels are written, so that at most `most` are: every nth, from the first. */
export function writtenLabels(count: number, most: number): (index: number) => boolean {
  const step = Math.max(1, Math.ceil(count / most));
  return (index) => index % step === 0;
}
