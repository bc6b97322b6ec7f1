/**
 * The state held of one location: what the last snapshot and the diffs since add up to (W1). Belongs here: the records,
 * an index by resource, and the frame they stand in. Does not belong here: pending changes (`pending`), which messages
 * may be applied (`wire/subscription`).
 *
 * Each resource's column is a signal of its own, so that a diff repaints the columns that it touches and no other.
 */

import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';

import type { Instant } from '../wire/instant';
import type { Blackout, DiffOp, GridRecord, Resource, Snapshot } from '../wire/messages';

/** The window's constants: everything of a snapshot that no diff changes. */
export interface Frame {
  readonly location: number;
  readonly from: string;
  readonly timezone: string;
  /** Row starts by local date; dates in order. */
  readonly rows: Readonly<Record<string, readonly Instant[]>>;
  readonly dates: readonly string[];
  readonly start: Instant;
  readonly end: Instant;
  /** In order of position, then id. */
  readonly resources: readonly Resource[];
  readonly blackouts: readonly Blackout[];
}

/** What one diff did to one record, for whoever drags it or tells of it. */
export interface Change {
  readonly id: string;
  readonly before: GridRecord | null;
  readonly after: GridRecord | null;
}

const byTime = (left: GridRecord, right: GridRecord): number =>
  left.start - right.start || left.end - right.end || (left.id < right.id ? -1 : 1);

export class Grid {
  readonly frame: Signal<Frame | null> = signal(null);
  readonly version: Signal<number> = signal(0);
  readonly #records = new Map<string, GridRecord>();
  readonly #versions = new Map<string, number>();
  readonly #columns = new Map<number, Signal<readonly GridRecord[]>>();
  readonly #days = new Map<string, ReadonlySignal<readonly GridRecord[]>>();

  get(id: string): GridRecord | undefined {
    return this.#records.get(id);
  }

  /** The version that last put the record, when it came in a diff; unknown for what came in a snapshot. */
  versionOf(id: string): number | undefined {
    return this.#versions.get(id);
  }

  /** All records, by resource and time: what W1 compares. O(n log n). */
  records(): GridRecord[] {
    return [...this.#records.values()].sort(
      (left, right) => left.resource_id - right.resource_id || byTime(left, right),
    );
  }

  /** The records of one resource in the whole window, by time. */
  column(resourceId: number): ReadonlySignal<readonly GridRecord[]> {
    return this.#column(resourceId);
  }

  /** The records of one resource that overlap one day of the window, by time. Repaints only when one of these changed. */
  day(resourceId: number, date: string): ReadonlySignal<readonly GridRecord[]> {
    const key = `${String(resourceId)} ${date}`;
    let day = this.#days.get(key);
    if (day === undefined) {
      let last: readonly GridRecord[] = [];
      day = computed(() => {
        const span = dayInterval(this.frame.value, date);
        const inside =
          span === null
            ? []
            : this.#column(resourceId).value.filter(
                (record) => record.start < span.end && span.start < record.end,
              );
        if (inside.length !== last.length || inside.some((record, index) => record !== last[index]))
          last = inside;
        return last;
      });
      this.#days.set(key, day);
    }
    return day;
  }

  /** Takes the snapshot in place of all that was held; returns what is different now. */
  replace(snapshot: Snapshot): Change[] {
    const before = new Map(this.#records);
    batch(() => {
      const dates = Object.keys(snapshot.rows).sort();
      const first = snapshot.rows[dates[0] ?? '']?.[0] ?? 0;
      this.frame.value = {
        location: snapshot.location,
        from: snapshot.from,
        timezone: snapshot.timezone,
        rows: snapshot.rows,
        dates,
        start: first,
        end: dayEnd(snapshot.rows, dates, dates.at(-1) ?? ''),
        resources: snapshot.resources
          .filter((resource) => resource.active !== false)
          .sort((left, right) => left.position - right.position || left.id - right.id),
        blackouts: snapshot.blackouts,
      };
      this.version.value = snapshot.version;
      this.#records.clear();
      this.#versions.clear();
      const columns = new Map<number, GridRecord[]>();
      for (const record of snapshot.records) {
        this.#records.set(record.id, record);
        const column = columns.get(record.resource_id);
        if (column === undefined) columns.set(record.resource_id, [record]);
        else column.push(record);
      }
      for (const id of new Set([...this.#columns.keys(), ...columns.keys()])) {
        this.#column(id).value = (columns.get(id) ?? []).sort(byTime);
      }
    });
    return [...new Set([...before.keys(), ...this.#records.keys()])].flatMap((id) => {
      const change = { id, before: before.get(id) ?? null, after: this.#records.get(id) ?? null };
      return isSame(change.before, change.after) ? [] : [change];
    });
  }

  /** Applies what a diff says, in one repaint; returns each change it made, in order. A `reload` changes nothing here. */
  apply(ops: readonly DiffOp[], version: number): Change[] {
    const changes: Change[] = [];
    batch(() => {
      for (const op of ops) {
        const [at, kind] = op;
        if (kind === 'reload') continue;
        const after = kind === 'put' ? this.#visible(op[2]) : null;
        const id = kind === 'put' ? op[2].id : op[2];
        const before = this.#records.get(id) ?? null;
        if (before === null && after === null) continue;
        if (after === null) {
          this.#records.delete(id);
          this.#versions.delete(id);
        } else {
          this.#records.set(id, after);
          this.#versions.set(id, at);
        }
        if (before !== null) this.#without(before);
        if (after !== null) {
          const column = this.#column(after.resource_id);
          column.value = [...column.value, after].sort(byTime);
        }
        changes.push({ id, before, after });
      }
      this.version.value = version;
    });
    return changes;
  }

  /** Forgets everything, as when another location is shown. */
  clear(): void {
    batch(() => {
      this.frame.value = null;
      this.version.value = 0;
      this.#records.clear();
      this.#versions.clear();
      for (const column of this.#columns.values()) column.value = [];
      this.#columns.clear();
      this.#days.clear();
    });
  }

  /** Diffs are location-wide: a put outside the window is a remove. */
  #visible(record: GridRecord): GridRecord | null {
    const frame = this.frame.value;
    return frame !== null && record.start < frame.end && frame.start < record.end ? record : null;
  }

  #without(record: GridRecord): void {
    const column = this.#column(record.resource_id);
    column.value = column.value.filter((other) => other.id !== record.id);
  }

  #column(resourceId: number): Signal<readonly GridRecord[]> {
    let column = this.#columns.get(resourceId);
    if (column === undefined) {
      column = signal<readonly GridRecord[]>([]);
      this.#columns.set(resourceId, column);
    }
    return column;
  }
}

/** Records are flat, so that fields decide. */
function isSame(one: GridRecord | null, other: GridRecord | null): boolean {
  if (one === null || other === null) return one === other;
  const fields = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof GridRecord>;
  return [...fields].every((field) => one[field] === other[field]);
}

/**
 * When a day of the window ends: where the next begins. The wire gives no end for the window's last day, which is taken
 * to be as long as its rows; only a day whose last row is short ends earlier, and it is looked at with its neighbour.
 */
function dayEnd(rows: Frame['rows'], dates: readonly string[], date: string): Instant {
  const next = rows[dates[dates.indexOf(date) + 1] ?? '']?.[0];
  if (next !== undefined) return next;
  const own = rows[date] ?? [];
  const last = own.at(-1) ?? 0;
  return last + (last - (own.at(-2) ?? last));
}

/** The day's `[start, end)`, or null while the window does not hold it. */
export function dayInterval(frame: Frame | null, date: string): { start: Instant; end: Instant } | null {
  const start = frame?.rows[date]?.[0];
  return frame === null || start === undefined ? null : { start, end: dayEnd(frame.rows, frame.dates, date) };
}
