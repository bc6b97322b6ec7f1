import { expect, test } from 'vitest';

import { dateLabel, shiftDate } from './calendar';
import { ColumnLayout, fitColumns } from './columns';
import { DayLayout, place } from './day';
import { durationLabel, ZoneLabels } from './labels';

const HALF_HOUR = 1800;
const rows = (start: number, count: number, slot = HALF_HOUR): number[] =>
  Array.from({ length: count + 1 }, (_, index) => start + index * slot);
const at = (text: string): number => Date.parse(text) / 1000;

test('t2: a fall-back day is drawn with fifty rows, 01:30 twice with its letters', () => {
  const day = new DayLayout('2026-11-01', rows(at('2026-11-01T04:00:00Z'), 50), HALF_HOUR, 20);
  const labels = new ZoneLabels('America/New_York');
  expect(day.height).toBe(1000);
  expect(day.boundaries.slice(0, 8).map((instant) => labels.time(instant))).toEqual([
    '00:00',
    '00:30',
    '01:00 EDT',
    '01:30 EDT',
    '01:00 EST',
    '01:30 EST',
    '02:00',
    '02:30',
  ]);
});

test('t2: a spring-forward day misses 02:00 and 02:30', () => {
  const labels = new ZoneLabels('America/New_York');
  const times = rows(at('2026-03-08T05:00:00Z'), 46).map((instant) => labels.time(instant));
  expect(times.slice(2, 6)).toEqual(['01:00', '01:30', '03:00', '03:30']);
  expect(times.at(-1)).toBe('00:00');
});

test('t2: Lord Howe falls back by half an hour', () => {
  const labels = new ZoneLabels('Australia/Lord_Howe');
  const times = rows(at('2026-04-04T13:00:00Z'), 49).map((instant) => labels.time(instant));
  expect(times.slice(2, 6)).toEqual(['01:00', '01:30 GMT+11', '01:30 GMT+10:30', '02:00']);
});

test('t2: a short last row is drawn to scale', () => {
  const hour = 3600;
  const day = new DayLayout('2026-10-04', [...rows(0, 22, hour), 22.5 * hour], hour, 40);
  expect(day.rowCount).toBe(23);
  expect(day.height).toBe(900);
  expect(day.row(22)).toEqual({ start: 22 * hour, end: 22.5 * hour });
  expect(day.rowAt(899)).toBe(22);
  expect(day.rowAt(879)).toBe(21);
});

test('y and instant agree at every boundary', () => {
  const day = new DayLayout('2026-11-22', rows(1000, 48), HALF_HOUR, 26);
  for (let row = 0; row < day.rowCount; row += 1) {
    expect(day.yOf(day.row(row).start)).toBe(day.top(row));
    expect(day.rowAt(day.top(row))).toBe(row);
    expect(day.rowOf(day.row(row).start + 1799)).toBe(row);
  }
  expect(day.rowAt(-50)).toBe(0);
  expect(day.rowAt(99999)).toBe(47);
});

test('t6: what crosses midnight is clipped on both days, and says so', () => {
  const first = new DayLayout('2026-11-22', rows(0, 48), HALF_HOUR, 20);
  const second = new DayLayout('2026-11-23', rows(86400, 48), HALF_HOUR, 20);
  const interval = { start: 86400 - HALF_HOUR, end: 86400 + 2 * HALF_HOUR };
  expect(place(first, interval)).toEqual({
    top: 940,
    height: 20,
    continuesBefore: false,
    continuesAfter: true,
  });
  expect(place(second, interval)).toEqual({
    top: 0,
    height: 40,
    continuesBefore: true,
    continuesAfter: false,
  });
  expect(place(second, { start: 0, end: 86400 })).toBeNull();
});

test('columns: two on a phone, never unreadably narrow on a desk', () => {
  expect(fitColumns(12, 338, 390)).toEqual(new ColumnLayout(12, 169));
  expect(fitColumns(12, 1380, 1440)).toEqual(new ColumnLayout(12, 115));
  expect(fitColumns(40, 1380, 1440)).toEqual(new ColumnLayout(40, 108));
  expect(fitColumns(1, 338, 390).width).toBe(338);
  const columns = new ColumnLayout(3, 100);
  expect([-1, 0, 99, 100, 299, 300].map((x) => columns.indexAt(x))).toEqual([-1, 0, 0, 1, 2, -1]);
});

test('dates are names: shifting one involves no zone', () => {
  expect(shiftDate('2026-10-25', 1)).toBe('2026-10-26');
  expect(shiftDate('2026-03-01', -1)).toBe('2026-02-28');
  expect(shiftDate('0001-01-01', -1)).toBe('0001-01-01');
  expect(shiftDate('9999-12-31', 1)).toBe('9999-12-31');
  expect(dateLabel('2026-11-22')).toBe('Sunday 22 November 2026');
  expect(dateLabel('2026-11-22', 'short')).toBe('Sun 22 Nov');
});

test('durations are told in hours and minutes', () => {
  expect([1800, 3600, 5400].map(durationLabel)).toEqual(['30 min', '1 h', '1 h 30 min']);
});
