/**
 * The grid without a pointer: a cell that arrow keys move, a selection that Shift extends, and a booking that M picks up
 * for the arrows to carry. Belongs here: what each key does. Does not belong here: DOM focus, wording.
 *
 *     arrows, Page Up/Down, Home/End   move the cell           Enter or Space   open the booking, or draft one
 *     Shift + up or down               extend the selection    Delete           cancel the booking under the cell
 *     M                                pick the booking up: arrows move it, Shift + up or down change its end,
 *                                      Enter puts it down, Escape puts it back
 */

import { batch, signal } from '@preact/signals';

import type { Place } from '../store/changes';
import type { GridRecord } from '../wire/messages';
import type { Draft, Effects, Surface } from './gesture';
import { differs } from './moving';

export interface Cell {
  readonly column: number;
  readonly row: number;
}

export interface Key {
  readonly key: string;
  readonly shift: boolean;
  readonly control: boolean;
}

export interface KeyboardSurface extends Surface {
  /** The record that covers the cell, if any. */
  readonly recordAt: (column: number, row: number) => GridRecord | null;
}

export interface KeyboardEffects extends Omit<Effects, 'point'> {
  /** Somebody wants the record cancelled; a confirmation follows. */
  readonly cancel: (record: GridRecord) => void;
  /** A booking was picked up, carried or put back: for whoever listens instead of looking. */
  readonly carried: (draft: Draft | null) => void;
}

const PAGE_ROWS = 8;

export class Keyboard {
  readonly cell = signal<Cell>({ column: 0, row: 0 });
  /** Where a selection began; the cell's own row while nothing is selected. */
  readonly anchor = signal(0);
  /** The booking that is carried, and where to; null while none is. */
  readonly draft = signal<Draft | null>(null);

  constructor(
    private readonly surface: KeyboardSurface,
    private readonly effects: KeyboardEffects,
  ) {}

  place(column: number, row: number): void {
    batch(() => {
      this.cell.value = { column, row };
      this.anchor.value = row;
    });
  }

  /** Whether the key meant something here. */
  press(key: Key): boolean {
    return this.draft.value === null ? this.#navigate(key) : this.#carry(this.draft.value, key);
  }

  /** A diff changed what is carried, or took it away (G10). */
  remote(id: string, record: GridRecord | null): void {
    const draft = this.draft.value;
    if (draft === null || draft.record?.id !== id) return;
    if (record === null || differs(record, draft.record)) {
      this.effects.overtaken(record ?? draft.record, record === null);
      this.#hold(null);
    } else this.draft.value = { ...draft, record };
  }

  #navigate({ key, shift, control }: Key): boolean {
    const { column, row } = this.cell.value;
    const lastRow = (this.surface.day()?.rowCount ?? 1) - 1;
    const lastColumn = this.surface.columns().count - 1;
    switch (key) {
      case 'ArrowUp':
        return this.#go(column, row - 1, shift);
      case 'ArrowDown':
        return this.#go(column, row + 1, shift);
      case 'ArrowLeft':
        return this.#go(column - 1, row, false);
      case 'ArrowRight':
        return this.#go(column + 1, row, false);
      case 'PageUp':
        return this.#go(column, row - PAGE_ROWS, shift);
      case 'PageDown':
        return this.#go(column, row + PAGE_ROWS, shift);
      case 'Home':
        return control ? this.#go(column, 0, shift) : this.#go(0, row, false);
      case 'End':
        return control ? this.#go(column, lastRow, shift) : this.#go(lastColumn, row, false);
      case 'Enter':
      case ' ':
        return this.#act();
      case 'm':
      case 'M':
        return this.#pickUp();
      case 'Delete':
      case 'Backspace':
        return this.#cancel();
      case 'Escape':
        if (this.anchor.value === row) return false;
        this.anchor.value = row;
        return true;
      default:
        return false;
    }
  }

  #go(column: number, row: number, extend: boolean): boolean {
    const lastRow = (this.surface.day()?.rowCount ?? 1) - 1;
    const lastColumn = this.surface.columns().count - 1;
    const cell = { column: clamp(column, lastColumn), row: clamp(row, lastRow) };
    batch(() => {
      this.cell.value = cell;
      if (!extend) this.anchor.value = cell.row;
    });
    return true;
  }

  #act(): boolean {
    const { column, row } = this.cell.value;
    const day = this.surface.day();
    const resource = this.surface.resources()[column];
    if (day === null || resource === undefined) return false;
    const anchor = this.anchor.value;
    const record = anchor === row ? this.surface.recordAt(column, row) : null;
    if (record !== null) {
      this.effects.open(record.id);
      return true;
    }
    const { start } = day.row(Math.min(anchor, row));
    const end = anchor === row ? start + this.surface.defaultSeconds() : day.row(Math.max(anchor, row)).end;
    this.effects.compose({ resource_id: resource.id, start, end: Math.max(end, day.row(row).end) });
    return true;
  }

  #pickUp(): boolean {
    const record = this.surface.recordAt(this.cell.value.column, this.cell.value.row);
    if (record === null || !this.surface.movable(record)) return false;
    const { resource_id, start, end } = record;
    this.#hold({ kind: 'move', record, resource_id, start, end, inside: true });
    return true;
  }

  #cancel(): boolean {
    const record = this.surface.recordAt(this.cell.value.column, this.cell.value.row);
    if (record === null || !this.surface.movable(record)) return false;
    this.effects.cancel(record);
    return true;
  }

  #carry(draft: Draft, { key, shift }: Key): boolean {
    const day = this.surface.day();
    const resources = this.surface.resources();
    const record = draft.record;
    if (day === null || record === null) return false;
    const shifted = (rows: number): Place => {
      const by = rows * day.slotSeconds;
      if (!shift) return { resource_id: draft.resource_id, start: draft.start + by, end: draft.end + by };
      return {
        resource_id: draft.resource_id,
        start: draft.start,
        end: Math.max(draft.end + by, draft.start + day.slotSeconds),
      };
    };
    const beside = (step: number): Place => {
      const index = resources.findIndex((resource) => resource.id === draft.resource_id) + step;
      return { resource_id: resources[index]?.id ?? draft.resource_id, start: draft.start, end: draft.end };
    };
    switch (key) {
      case 'ArrowUp':
        return this.#carryTo(draft, shifted(-1));
      case 'ArrowDown':
        return this.#carryTo(draft, shifted(1));
      case 'ArrowLeft':
        return this.#carryTo(draft, beside(-1));
      case 'ArrowRight':
        return this.#carryTo(draft, beside(1));
      case 'Enter':
      case ' ': {
        const { resource_id, start, end } = draft;
        this.draft.value = null;
        if (differs(draft, record)) this.effects.drop(record, { resource_id, start, end });
        return true;
      }
      case 'Escape':
        this.#hold(null);
        return true;
      default:
        // Whatever is in the hand stays there; other keys wait.
        return key.length === 1;
    }
  }

  #carryTo(draft: Draft, place: Place): boolean {
    const day = this.surface.day();
    if (day === null || place.end <= day.start || day.end <= place.start) return true;
    const column = this.surface.resources().findIndex((resource) => resource.id === place.resource_id);
    batch(() => {
      this.place(column, day.rowOf(place.start));
      this.#hold({ ...draft, ...place });
    });
    return true;
  }

  #hold(draft: Draft | null): void {
    this.draft.value = draft;
    this.effects.carried(draft);
  }
}

function clamp(value: number, last: number): number {
  return Math.max(0, Math.min(value, last));
}
