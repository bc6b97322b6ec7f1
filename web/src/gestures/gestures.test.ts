import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ColumnLayout } from '../layout/columns';
import { DayLayout } from '../layout/day';
import type { Place } from '../store/changes';
import type { GridRecord } from '../wire/messages';
import { scrollVelocity } from './autoscroll';
import type { Point } from './gesture';
import { GestureMachine, LONG_PRESS_MS } from './machine';

const SLOT = 1800;
const BASE = 1_000_000_800;
const at = (row: number): number => BASE + row * SLOT;
const day = new DayLayout(
  '2026-11-22',
  Array.from({ length: 49 }, (_, row) => at(row)),
  SLOT,
  20,
);
const point = (column: number, row: number, inside = true): Point => ({
  x: column * 100 + 50,
  y: row * 20 + 10,
  inside,
});
const booking: GridRecord = {
  id: 'b1',
  resource_id: 12,
  start: at(4),
  end: at(6),
  kind: 'booking',
  status: 'confirmed',
  who: 'Ana',
};

function desk({ bookable = true } = {}) {
  const records = new Map([[booking.id, booking]]);
  const told: unknown[] = [];
  const machine = new GestureMachine({
    surface: {
      day: () => day,
      columns: () => new ColumnLayout(3, 100),
      resources: () => [11, 12, 13].map((id) => ({ id, name: `Bay ${String(id)}`, position: id })),
      record: (id) => records.get(id) ?? null,
      movable: (record) => record.kind === 'booking',
      bookable: () => bookable,
      defaultSeconds: () => 2 * SLOT,
    },
    effects: {
      compose: (place: Place) => told.push(['compose', place]),
      drop: (record, place) => told.push(['drop', record.id, place]),
      open: (id) => told.push(['open', id]),
      point: (column, row) => told.push(['point', column, row]),
      overtaken: (record, gone) => told.push(['overtaken', record.id, gone]),
    },
  });
  return { machine, told };
}

const body = { on: 'record', id: 'b1', part: 'body' } as const;
const cell = { on: 'cell' } as const;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a drag over three rows draws a booking of three rows', () => {
  const { machine, told } = desk();
  machine.press(point(0, 10), cell, 'mouse');
  machine.move(point(0, 12));
  expect(machine.draft.value).toMatchObject({ kind: 'create', resource_id: 11, start: at(10), end: at(13) });
  machine.release(point(0, 12));
  expect(told).toEqual([['compose', { resource_id: 11, start: at(10), end: at(13) }]]);
  expect(machine.draft.value).toBeNull();
});

test('a drag draws nothing where no bookings may be made', () => {
  const { machine, told } = desk({ bookable: false });
  machine.press(point(0, 10), cell, 'mouse');
  machine.move(point(0, 12));
  expect(machine.draft.value).toBeNull();
  machine.release(point(0, 12));
  expect(told).toEqual([]);
});

test('a drag upwards, and into another column, stays in its own column', () => {
  const { machine, told } = desk();
  machine.press(point(1, 10), cell, 'mouse');
  machine.move(point(2, 8));
  machine.release(point(2, 8));
  expect(told).toEqual([['compose', { resource_id: 12, start: at(8), end: at(11) }]]);
});

test('a press on a free cell drafts the shortest booking', () => {
  const { machine, told } = desk();
  machine.press(point(2, 5), cell, 'mouse');
  machine.release(point(2, 5));
  expect(told).toEqual([
    ['point', 2, 5],
    ['compose', { resource_id: 13, start: at(5), end: at(7) }],
  ]);
});

test('a press on a booking opens it', () => {
  const { machine, told } = desk();
  machine.press(point(1, 4), body, 'mouse');
  machine.release(point(1, 4));
  expect(told).toContainEqual(['open', 'b1']);
});

test('t4: a move keeps the length and the row it was gripped at', () => {
  const { machine, told } = desk();
  machine.press(point(1, 5), body, 'mouse');
  machine.move(point(2, 9));
  expect(machine.name.value).toBe('moving');
  machine.release(point(2, 9));
  expect(told).toEqual([['drop', 'b1', { resource_id: 13, start: at(8), end: at(10) }]]);
});

test('a move back to where it was changes nothing', () => {
  const { machine, told } = desk();
  machine.press(point(1, 5), body, 'mouse');
  machine.move(point(2, 9));
  machine.release(point(1, 5));
  expect(told).toEqual([]);
});

test('a resize pulls one end, and leaves at least a slot', () => {
  const { machine, told } = desk();
  machine.press(point(1, 5), { on: 'record', id: 'b1', part: 'end' }, 'mouse');
  machine.move(point(1, 0));
  expect(machine.draft.value).toMatchObject({ start: at(4), end: at(6) });
  machine.move(point(1, 4));
  expect(machine.draft.value).toMatchObject({ start: at(4), end: at(5) });
  machine.release(point(1, 8));
  expect(told).toEqual([['drop', 'b1', { resource_id: 12, start: at(4), end: at(9) }]]);
});

test('Escape, and a drop outside, cancel', () => {
  const { machine, told } = desk();
  machine.press(point(1, 5), body, 'mouse');
  machine.move(point(2, 9));
  machine.cancel();
  machine.release(point(2, 9));
  machine.press(point(0, 10), cell, 'mouse');
  machine.move(point(0, 12));
  machine.release(point(0, 12, false));
  expect(told).toEqual([]);
});

test('a finger that moves at once scrolls; one that rests drags', () => {
  const { machine, told } = desk();
  machine.press(point(0, 10), cell, 'touch');
  machine.move(point(0, 12));
  expect(machine.name.value).toBe('idle');
  machine.press(point(0, 10), cell, 'touch');
  vi.advanceTimersByTime(LONG_PRESS_MS);
  expect(machine.captures).toBe(true);
  machine.move(point(0, 11));
  machine.release(point(0, 11));
  expect(told).toEqual([['compose', { resource_id: 11, start: at(10), end: at(12) }]]);
});

test('a second finger ends the first one’s drag', () => {
  const { machine, told } = desk();
  machine.press(point(0, 10), cell, 'touch');
  vi.advanceTimersByTime(LONG_PRESS_MS);
  machine.press(point(1, 10), cell, 'touch');
  machine.release(point(0, 12));
  expect(told).toEqual([]);
});

test('g10: a drag survives diffs of other records', () => {
  const { machine, told } = desk();
  machine.press(point(1, 5), body, 'mouse');
  machine.move(point(2, 9));
  const other = { ...booking, id: 'b2', resource_id: 13, start: at(8), end: at(10) };
  machine.remote([{ id: 'b2', before: null, after: other }]);
  expect(machine.draft.value).toMatchObject({ resource_id: 13, start: at(8) });
  machine.release(point(2, 9));
  expect(told).toHaveLength(1);
});

test('g10: a drag survives a change of the record’s note, and carries it on', () => {
  const { machine } = desk();
  machine.press(point(1, 5), body, 'mouse');
  machine.move(point(2, 9));
  machine.remote([{ id: 'b1', before: booking, after: { ...booking, note: 'left-handed' } }]);
  expect(machine.draft.value).toMatchObject({ resource_id: 13, record: { note: 'left-handed' } });
});

test.each([
  ['taken away', null, true],
  ['moved', { ...booking, start: at(20), end: at(22) }, false],
] as const)('g10: a record %s by somebody else leaves the hand', (_, after, gone) => {
  for (const part of ['body', 'end'] as const) {
    const { machine, told } = desk();
    machine.press(point(1, 5), { on: 'record', id: 'b1', part }, 'mouse');
    machine.move(point(1, 9));
    machine.remote([{ id: 'b1', before: booking, after }]);
    machine.release(point(1, 9));
    expect(told).toEqual([['overtaken', 'b1', gone]]);
    expect(machine.draft.value).toBeNull();
  }
});

test('scrolling starts near the edges, and is fastest beyond them', () => {
  expect(scrollVelocity(500, 0, 1000)).toBe(0);
  expect(scrollVelocity(990, 0, 1000)).toBeGreaterThan(0);
  expect(scrollVelocity(10, 0, 1000)).toBeLessThan(0);
  expect(scrollVelocity(2000, 0, 1000)).toBe(900);
});
