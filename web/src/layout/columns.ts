/**
 * The bays from left to right: resource ↔ x. All columns are equally wide, and wide enough to be read; what does not
 * fit is scrolled to. Does not belong here: which of them are rendered (`render/columnWindow`).
 */

export const NARROWEST_COLUMN = 108;
export const PHONE_WIDTH = 640;

export class ColumnLayout {
  constructor(
    readonly count: number,
    /** Pixels of one column. */
    readonly width: number,
  ) {}

  get total(): number {
    return this.count * this.width;
  }

  x(index: number): number {
    return index * this.width;
  }

  /** The column that holds the pixel; -1 beside them. */
  indexAt(x: number): number {
    const index = Math.floor(x / this.width);
    return index >= 0 && index < this.count ? index : -1;
  }
}

/** Columns for `available` pixels beside the time column: two on a phone, else as many as can be read. */
export function fitColumns(count: number, available: number, viewport: number): ColumnLayout {
  if (viewport < PHONE_WIDTH)
    return new ColumnLayout(count, Math.floor(available / Math.min(2, Math.max(1, count))));
  return new ColumnLayout(count, Math.max(NARROWEST_COLUMN, Math.floor(available / Math.max(1, count))));
}
