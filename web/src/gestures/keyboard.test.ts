import { expect, test } from 'vitest';

import { ColumnLayout } from '../layout/columns';
import { DayLayout } from '../layout/day';
import type { GridRecord } from '../wire/messages';
import { Keyboard } from './keyboard';

const SLOT = 1800;
const at = (row: number): number => row * SLOT;
const booking: GridRecord = {
  id: 'b1',
  resource_id: 12,
  start: at(4),
  end: at(6),
  kind: 'booking',
  status: 'confirmed',
};

function desk() {
  const told: unknown[] = [];
  const day = new DayLayout(
    '2026-11-22',
    Array.from({ length: 49 }, (_, row) => at(row)),
    SLOT,
    20,
  );
  const keyboard = new Keyboard(
    {
      day: () => day,
      columns: () => new ColumnLayout(3, 100),
      resources: () => [11, 12, 13].map((id) => ({ id, name: '', position: id })),
      record: () => booking,
      recordAt: (column, row) => (column === 1 && row >= 4 && row < 6 ? booking : null),
      movable: () => true,
      bookable: () => true,
      defaultSeconds: () => 2 * SLOT,
    },
    {
      compose: (place) => told.push(['compose', place]),
      drop: (record, place) => told.push(['drop', record.id, place]),
      open: (id) => told.push(['open', id]),
      cancel: (record) => told.push(['cancel', record.id]),
      overtaken: (record, gone) => told.push(['overtaken', record.id, gone]),
      carried: () => undefined,
    },
  );
  const press = (...keys: string[]): void => {
    for (const key of keys)
      keyboard.press({ key: key.replace('⇧', ''), shift: key.startsWith('⇧'), control: false });
  };
  return { keyboard, told, press };
}

test('arrows move the cell, and stop at the edges', () => {
  const { keyboard, press } = desk();
  press('ArrowUp', 'ArrowLeft');
  expect(keyboard.cell.value).toEqual({ column: 0, row: 0 });
  press('ArrowDown', 'ArrowRight', 'PageDown', 'End');
  expect(keyboard.cell.value).toEqual({ column: 2, row: 9 });
  press('PageDown', 'PageDown', 'PageDown', 'PageDown', 'PageDown', 'Home');
  expect(keyboard.cell.value).toEqual({ column: 0, row: 47 });
});

test('Shift extends a selection, and Enter drafts it', () => {
  const { told, press } = desk();
  press('ArrowDown', '⇧ArrowDown', '⇧ArrowDown', 'Enter');
  expect(told).toEqual([['compose', { resource_id: 11, start: at(1), end: at(4) }]]);
});

test('Enter on a free cell drafts the shortest booking; on a booking it opens it', () => {
  const { keyboard, told, press } = desk();
  press('Enter');
  keyboard.place(1, 5);
  press('Enter');
  expect(told).toEqual([
    ['compose', { resource_id: 11, start: at(0), end: at(2) }],
    ['open', 'b1'],
  ]);
});

test('M carries a booking: arrows move it, Shift changes its end, Enter puts it down', () => {
  const { keyboard, told, press } = desk();
  keyboard.place(1, 5);
  press('m', 'ArrowDown', 'ArrowRight', '⇧ArrowDown');
  expect(keyboard.draft.value).toMatchObject({ resource_id: 13, start: at(5), end: at(8) });
  press('Enter');
  expect(told).toEqual([['drop', 'b1', { resource_id: 13, start: at(5), end: at(8) }]]);
  expect(keyboard.draft.value).toBeNull();
});

test('Escape puts it back', () => {
  const { keyboard, told, press } = desk();
  keyboard.place(1, 4);
  press('m', 'ArrowDown', 'Escape');
  expect(told).toEqual([]);
  expect(keyboard.draft.value).toBeNull();
});

test('Delete asks to cancel the booking under the cell, and nothing elsewhere', () => {
  const { keyboard, told, press } = desk();
  press('Delete');
  keyboard.place(1, 4);
  press('Delete');
  expect(told).toEqual([['cancel', 'b1']]);
});

test('g10: a carried booking that somebody else moves leaves the hand', () => {
  const { keyboard, told, press } = desk();
  keyboard.place(1, 4);
  press('m', 'ArrowDown');
  keyboard.remote('b1', { ...booking, note: 'x' });
  expect(keyboard.draft.value).toMatchObject({ start: at(5), record: { note: 'x' } });
  keyboard.remote('b1', null);
  expect(keyboard.draft.value).toBeNull();
  expect(told).toEqual([['overtaken', 'b1', true]]);
});
