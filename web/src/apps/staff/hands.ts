/**
 * What somebody at the desk has in hand: a drag, a carried booking, an open form, an open panel, a question. Belongs here:
 * which of these there is, and how one leads to another. Does not belong here: doing it (`actions`), drawing it (`render`).
 */

import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';

import type { Draft } from '../../gestures/gesture';
import { Keyboard, type KeyboardSurface } from '../../gestures/keyboard';
import { GestureMachine } from '../../gestures/machine';
import type { Question } from '../../render/desk';
import type { Person, Place } from '../../store/changes';
import type { Change, Grid } from '../../store/grid';
import type { Notices } from '../../store/notices';
import type { Pending } from '../../store/pending';
import type { Phase } from '../../wire/connection';
import type { GridRecord } from '../../wire/messages';
import type { User } from '../../wire/readings';
import { nameOf } from './actions';
import type { Viewing } from './viewing';

const SHORTEST_BOOKING_MINUTES = 60;

interface Parts {
  readonly me: User;
  readonly viewing: Viewing;
  readonly grid: Grid;
  readonly pending: Pending;
  readonly notices: Notices;
  readonly phase: () => Phase;
  readonly move: (record: GridRecord, place: Place) => void;
  readonly cancel: (record: GridRecord, reason: string) => void;
}

export class Hands {
  readonly composing = signal<Place | null>(null);
  readonly person = signal<Person | null>(null);
  readonly opened = signal<string | null>(null);
  readonly preview = signal<Draft | null>(null);
  readonly question = signal<Question | null>(null);
  readonly machine: GestureMachine;
  readonly keyboard: Keyboard;
  /** Whatever of these has a place on the grid; the nearest to the hand first. */
  readonly draft: ReadonlySignal<Draft | null>;

  constructor(private readonly parts: Parts) {
    const { viewing, grid } = parts;
    const surface: KeyboardSurface = {
      day: () => viewing.day.peek(),
      columns: () => viewing.columns.peek(),
      resources: () => viewing.resources.peek(),
      record: (id) => grid.get(id) ?? null,
      recordAt: (column, row) => viewing.recordAt(column, row),
      movable: (record) => this.movable(record),
      bookable: () => viewing.mayBook.peek(),
      defaultSeconds: () =>
        (viewing.location.peek()?.policy?.min_duration_minutes ?? SHORTEST_BOOKING_MINUTES) * 60,
    };
    const effects = {
      compose: (place: Place) => {
        this.#compose(place);
      },
      open: (id: string) => {
        this.#open(id);
      },
      drop: (record: GridRecord, place: Place) => {
        if (this.#mayChange()) parts.move(record, place);
      },
      overtaken: (record: GridRecord, gone: boolean) => {
        this.#overtaken(record, gone);
      },
    };
    this.keyboard = new Keyboard(surface, {
      ...effects,
      cancel: (record) => {
        this.askToCancel(record);
      },
      carried: (carried) => {
        if (carried === null) parts.notices.follow('Put back');
      },
    });
    const point = (column: number, row: number): void => {
      this.keyboard.place(column, row);
    };
    const pointer = {
      ...effects,
      point,
      // Who goes on by keyboard after a drag goes on where the drag ended.
      compose: (place: Place) => {
        this.#pointAt(place);
        effects.compose(place);
      },
      drop: (record: GridRecord, place: Place) => {
        this.#pointAt(place);
        effects.drop(record, place);
      },
    };
    this.machine = new GestureMachine({ surface, effects: pointer }, () => {
      navigator.vibrate?.(12);
    });
    this.draft = computed(() => this.#draft());
  }

  /** Whether the record may be moved or resized by this person, now. */
  movable(record: GridRecord): boolean {
    const { me, viewing, pending, phase } = this.parts;
    return (
      viewing.worksHere.peek() &&
      phase() === 'live' &&
      !pending.isPending(record.id) &&
      record.status === 'confirmed' &&
      (record.kind === 'booking' ||
        (record.kind === 'block' && me.role === 'admin' && viewing.mayBook.peek()))
    );
  }

  askToCancel(record: GridRecord): void {
    this.question.value = {
      ask: 'cancel',
      record,
      answer: (reason) => {
        this.question.value = null;
        if (reason !== null && this.#mayChange()) this.parts.cancel(record, reason);
      },
    };
  }

  /** Others changed records: what is in hand may be among them (G10). */
  remote(changes: readonly Change[]): void {
    this.machine.remote(changes);
    for (const { id, after } of changes) {
      this.keyboard.remote(id, after);
      if (after === null && id === this.opened.peek()) this.opened.value = null;
    }
  }

  /** Puts everything down, as when another location is shown. */
  empty(): void {
    batch(() => {
      this.machine.cancel();
      this.composing.value = this.opened.value = this.preview.value = null;
    });
  }

  #pointAt(place: Place): void {
    const { viewing } = this.parts;
    const day = viewing.day.peek();
    const column = viewing.resources.peek().findIndex((resource) => resource.id === place.resource_id);
    if (day !== null && column >= 0) this.keyboard.place(column, day.rowOf(place.start));
  }

  #draft(): Draft | null {
    const question = this.question.value;
    const composed = this.composing.value;
    if (this.machine.draft.value !== null) return this.machine.draft.value;
    if (this.keyboard.draft.value !== null) return this.keyboard.draft.value;
    if (question?.ask === 'override' && question.draft !== null) return question.draft;
    if (this.preview.value !== null) return this.preview.value;
    return composed === null ? null : { kind: 'create', record: null, inside: true, ...composed };
  }

  #compose(place: Place): void {
    if (!this.#mayChange() || !this.#mayBook()) return;
    batch(() => {
      this.opened.value = null;
      this.composing.value = place;
    });
  }

  #open(id: string): void {
    // Somebody else's busy time has nothing behind it that may be seen here.
    if (this.parts.grid.get(id)?.status === 'busy') return;
    batch(() => {
      this.composing.value = null;
      this.opened.value = id;
    });
  }

  #mayBook(): boolean {
    const { viewing, notices } = this.parts;
    if (viewing.mayBook.peek()) return true;
    const detail = 'Bookings can be changed here, and new ones are not switched on yet.';
    notices.show({ tone: 'warning', about: 'place', title: 'No new bookings', detail });
    return false;
  }

  #mayChange(): boolean {
    const { viewing, notices, phase } = this.parts;
    if (!viewing.worksHere.peek()) {
      const where = viewing.location.peek()?.name ?? 'this location';
      const detail = viewing.changes ? `You do not work at ${where}.` : 'Changes are not switched on yet.';
      notices.show({ tone: 'warning', about: 'place', title: 'Only to look at', detail });
      return false;
    }
    if (phase() === 'live') return true;
    const detail = 'Changes can be made again when the connection is back.';
    notices.show({ tone: 'warning', about: 'link', title: 'Not connected', detail });
    return false;
  }

  #overtaken(record: GridRecord, gone: boolean): void {
    const { notices, viewing } = this.parts;
    notices.show({
      tone: 'warning',
      title: gone ? `${nameOf(record)} was taken off the grid` : `${nameOf(record)} was moved`,
      detail: gone
        ? 'Somebody else did that while you were dragging it.'
        : `By somebody else, to ${viewing.placeLabel(record)}.`,
    });
  }
}
