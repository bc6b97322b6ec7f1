/**
 * What is looked at: a location, a day of it, and everything that follows from the two. Belongs here: choosing, and
 * deriving labels and geometry. Does not belong here: what is done to bookings (`hands`, `actions`), fetching (`link`).
 */

import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';

import { dateLabel } from '../../layout/calendar';
import { ColumnLayout } from '../../layout/columns';
import { DayLayout } from '../../layout/day';
import { ZoneLabels } from '../../layout/labels';
import type { Place } from '../../store/changes';
import type { Clock } from '../../store/clock';
import { dayInterval, type Grid } from '../../store/grid';
import type { DrawnRecord, Pending } from '../../store/pending';
import type { Instant } from '../../wire/instant';
import type { GridRecord, Resource } from '../../wire/messages';
import { includes, readLocations, type Location, type Me } from '../../wire/readings';
import { rememberedLocation, rememberLocation } from '../preferences';

/** Pixels of half an hour. */
const ROW_HEIGHT = 26;
const COMPACT_ROW_HEIGHT = 32;
const NARROWEST_ROW = 12;
const WIDEST_ROW = 44;
const RETRY_MS = 3_000;

export class Viewing {
  readonly locations = signal<readonly Location[]>([]);
  readonly location = signal<Location | null>(null);
  /** Set by the grid's view, which knows how wide it is. */
  readonly columns = signal(new ColumnLayout(0, 120));
  readonly compact = signal(false);
  readonly labels: ReadonlySignal<ZoneLabels>;
  readonly today: ReadonlySignal<string>;
  readonly date: ReadonlySignal<string>;
  readonly day: ReadonlySignal<DayLayout | null>;
  readonly resources: ReadonlySignal<readonly Resource[]>;
  /** Staff of another venue see its grid as customers do (A1), and change nothing from here; nor does anybody while
   *  changes are not switched on. */
  readonly worksHere: ReadonlySignal<boolean>;
  /** Whether there may be new bookings, too. */
  readonly mayBook: ReadonlySignal<boolean>;
  /** Operators keep to the rules, and take nothing back (A1). */
  readonly mayOverride: ReadonlySignal<boolean>;
  /** Null follows today over midnight. */
  readonly #chosen = signal<string | null>(null);
  readonly #drawn = new Map<string, ReadonlySignal<readonly DrawnRecord[]>>();

  constructor(
    private readonly me: Me,
    private readonly grid: Grid,
    private readonly pending: Pending,
    clock: Clock,
  ) {
    this.labels = computed(() => new ZoneLabels(this.location.value?.timezone ?? 'UTC'));
    this.today = computed(() => this.labels.value.date(clock.now.value));
    this.date = computed(() => this.#chosen.value ?? this.today.value);
    this.resources = computed(() => grid.frame.value?.resources ?? []);
    this.day = computed(() => this.#layOut());
    this.mayOverride = computed(
      () =>
        this.changes &&
        (me.role === 'admin' ||
          (me.role === 'staff' && me.location_ids.includes(this.location.value?.id ?? -1))),
    );
    this.worksHere = computed(() => this.mayOverride.value || (this.changes && me.role === 'operator'));
    this.mayBook = computed(() => this.worksHere.value && includes(me.mode, 'full'));
  }

  /** Whether changes are switched on at all. */
  get changes(): boolean {
    return includes(this.me.mode, 'operate');
  }

  /** Reads the locations until it succeeds, and shows the one shown last, else the first of one's own. */
  async begin(): Promise<void> {
    try {
      this.locations.value = await readLocations();
    } catch {
      setTimeout(() => void this.begin(), RETRY_MS);
      return;
    }
    const all = this.locations.value;
    const first =
      all.find((location) => location.id === rememberedLocation()) ??
      all.find((location) => this.me.location_ids.includes(location.id)) ??
      all[0];
    if (first !== undefined) this.show(first.id);
  }

  show(id: number): void {
    const next = this.locations.peek().find((location) => location.id === id);
    if (next === undefined) return;
    rememberLocation(id);
    batch(() => {
      this.#drawn.clear();
      this.location.value = next;
    });
  }

  look(date: string): void {
    this.#chosen.value = date === this.today.peek() ? null : date;
  }

  /** The records of a resource on the day shown, with pending changes laid over them. */
  drawn(resourceId: number): ReadonlySignal<readonly DrawnRecord[]> {
    const date = this.date.value;
    const key = `${String(resourceId)} ${date}`;
    let drawn = this.#drawn.get(key);
    if (drawn === undefined) {
      drawn = this.pending.over(resourceId, this.grid.day(resourceId, date));
      this.#drawn.set(key, drawn);
    }
    return drawn;
  }

  /** The record that covers a cell, if any. */
  recordAt(column: number, row: number): GridRecord | null {
    const resource = this.resources.peek()[column];
    const rows = this.day.peek()?.row(row);
    if (resource === undefined || rows === undefined) return null;
    const covering = this.drawn(resource.id)
      .peek()
      .find(({ record }) => record.start < rows.end && rows.start < record.end);
    return covering?.record ?? null;
  }

  /** Whether an interval touches the day shown. */
  shows(interval: { start: Instant; end: Instant }): boolean {
    const span = dayInterval(this.grid.frame.value, this.date.value);
    return span !== null && interval.start < span.end && span.start < interval.end;
  }

  resourceName(id: number): string {
    return this.resources.value.find((resource) => resource.id === id)?.name ?? `#${String(id)}`;
  }

  /** `Bay 3, 14:00–15:30`, with its date where it is on another day than the one shown. */
  placeLabel(place: Place): string {
    const on = this.shows(place) ? '' : `${dateLabel(this.labels.value.date(place.start), 'short')}, `;
    return `${this.resourceName(place.resource_id)}, ${on}${this.labels.value.range(place.start, place.end)}`;
  }

  #layOut(): DayLayout | null {
    const frame = this.grid.frame.value;
    const date = this.date.value;
    const span = dayInterval(frame, date);
    const rows = frame?.rows[date];
    if (span === null || rows === undefined) return null;
    const slot = (this.location.value?.slot_minutes ?? 30) * 60;
    const natural = ((this.compact.value ? COMPACT_ROW_HEIGHT : ROW_HEIGHT) * slot) / 1800;
    const height = Math.max(NARROWEST_ROW, Math.min(WIDEST_ROW, natural));
    return new DayLayout(date, [...rows, span.end], slot, height);
  }
}
