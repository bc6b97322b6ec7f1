import { beforeEach, expect, test } from 'vitest';

import type { Answer } from '../wire/commands';
import type { Arguments, GridRecord, Operation } from '../wire/messages';
import type { Booking } from '../wire/readings';
import { Changes } from './changes';
import { Grid } from './grid';
import { Pending } from './pending';

const booked: GridRecord = {
  id: 'b1',
  resource_id: 1,
  start: 7200,
  end: 10800,
  kind: 'booking',
  status: 'confirmed',
  who: 'Ana',
};
const place = { resource_id: 2, start: 14400, end: 18000 };

let grid: Grid;
let pending: Pending;
let sent: {
  key: string;
  op: Operation;
  args: Arguments;
  answer: (answer: Answer) => void;
  doubt: () => void;
}[];
let changes: Changes;

beforeEach(() => {
  grid = new Grid();
  grid.replace({
    t: 'snapshot',
    location: 1,
    epoch: 'e',
    version: 10,
    from: '1970-01-01',
    days: 1,
    timezone: 'UTC',
    rows: { '1970-01-01': Array.from({ length: 48 }, (_, row) => row * 1800) },
    resources: [1, 2].map((id) => ({ id, name: '', position: id })),
    records: [booked],
    blackouts: [],
  });
  pending = new Pending();
  sent = [];
  changes = new Changes(
    {
      submit: (op, args, doubt = () => undefined) => {
        const key = `key-${String(sent.length + 1)}`;
        return { key, answer: new Promise((answer) => sent.push({ key, op, args, answer, doubt })) };
      },
    },
    grid,
    pending,
  );
});

const drawn = (resource: number): unknown[] =>
  pending.over(resource, grid.column(resource)).value.map(({ record, certainty }) => [record.id, certainty]);

function booking(fields: Partial<Booking> = {}): Booking {
  return {
    id: 'b2',
    location_id: 1,
    resource_id: 2,
    user_id: 5,
    visitor: null,
    type: 'CUSTOMER',
    status: 'confirmed',
    start_time: '1970-01-01T04:00:00Z',
    end_time: '1970-01-01T05:00:00Z',
    note: null,
    reschedule_count: 0,
    attended_at: null,
    created_at: '1970-01-01T00:00:00Z',
    updated_at: '1970-01-01T00:00:00Z',
    version: 11,
    ...fields,
  };
}

test('w4: a booking draws at once as pending, is confirmed by its ack, and gives way to its diff', async () => {
  const going = changes.book(place, { user_id: 5, name: 'Ben' }, null);
  expect(sent[0]).toMatchObject({
    op: 'create',
    args: {
      resource_id: 2,
      start_time: '1970-01-01T04:00:00Z',
      end_time: '1970-01-01T05:00:00Z',
      user_id: 5,
    },
  });
  expect(drawn(2)).toEqual([['key-1', 'pending']]);
  sent[0]?.answer({ t: 'ack', id: 'key-1', version: 11, result: booking() });
  expect(await going).toMatchObject({ ok: true });
  expect(drawn(2)).toEqual([['b2', 'confirmed']]);
  grid.apply([[11, 'put', { ...booked, id: 'b2', ...place }]], 11);
  pending.reached(11);
  expect(pending.overlays.value).toEqual([]);
  expect(drawn(2)).toEqual([['b2', 'confirmed']]);
});

test('w4: a diff that came before its ack leaves nothing behind', async () => {
  const going = changes.book(place, { user_id: 5, name: 'Ben' }, null);
  grid.apply([[11, 'put', { ...booked, id: 'b2', ...place }]], 11);
  sent[0]?.answer({ t: 'ack', id: 'key-1', version: 11, result: booking() });
  await going;
  expect(drawn(2)).toEqual([['b2', 'confirmed']]);
  expect(pending.overlays.value).toEqual([]);
});

test('w4, g10: a refused move snaps back, with what the server said', async () => {
  const going = changes.move(booked, place);
  expect(drawn(1)).toEqual([]);
  expect(drawn(2)).toEqual([['b1', 'pending']]);
  sent[0]?.answer({ t: 'nak', id: 'key-1', status: 409, code: 'conflict' });
  expect(await going).toMatchObject({ ok: false, nak: { code: 'conflict' } });
  expect(drawn(1)).toEqual([['b1', 'confirmed']]);
  expect(drawn(2)).toEqual([]);
});

test('w4: an outcome that is late is drawn as not known, until it is', async () => {
  const going = changes.move(booked, place);
  sent[0]?.doubt();
  expect(drawn(2)).toEqual([['b1', 'unknown']]);
  sent[0]?.answer({ t: 'ack', id: 'key-1', version: 11, result: booking({ id: 'b1' }) });
  await going;
  expect(drawn(2)).toEqual([['b1', 'confirmed']]);
});

test('a cancelled booking leaves the grid with its ack', async () => {
  const going = changes.cancel(booked, '');
  expect(sent[0]?.args).toEqual({ booking_id: 'b1' });
  expect(drawn(1)).toEqual([['b1', 'pending']]);
  sent[0]?.answer({ t: 'ack', id: 'key-1', version: 11, result: booking({ id: 'b1', status: 'cancelled' }) });
  await going;
  expect(drawn(1)).toEqual([]);
});

test('a change that changed nothing has no version to wait for', async () => {
  const going = changes.attend(booked, 7200);
  sent[0]?.answer({ t: 'ack', id: 'key-1', result: booking({ id: 'b1', version: 10 }) });
  await going;
  expect(pending.overlays.value).toEqual([]);
});

test('the version on the screen is sent along, but none while a change of our own is under way', async () => {
  grid.apply([[11, 'put', { ...booked, note: 'x' }]], 11);
  const going = changes.move(booked, place);
  expect(sent[0]?.args).toMatchObject({ if_version: 11 });
  void changes.move(booked, { ...place, resource_id: 1 });
  expect(sent[1]?.args).not.toHaveProperty('if_version');
  sent[0]?.answer({ t: 'ack', id: 'key-1', version: 12, result: booking({ id: 'b1', version: 12 }) });
  await going;
});

test('r19: a reason goes along as override_reason', () => {
  void changes.book(
    place,
    { user_id: null, name: 'Walk-in', phone: '+15551230000' },
    'late',
    'friend of the house',
  );
  expect(sent[0]?.args).toMatchObject({
    visitor: { name: 'Walk-in', phone: '+15551230000' },
    note: 'late',
    override_reason: 'friend of the house',
  });
});

test('an edit sends what it changes, with the version it was read at', () => {
  void changes.update(booked, { note: '', person: { user_id: 7, name: 'Cy' }, place }, 9);
  expect(sent[0]).toMatchObject({ op: 'update' });
  expect(sent[0]?.args).toEqual({
    booking_id: 'b1',
    note: '',
    user_id: 7,
    resource_id: 2,
    start_time: '1970-01-01T04:00:00Z',
    end_time: '1970-01-01T05:00:00Z',
    if_version: 9,
  });
  expect(pending.overlays.value[0]?.drawn).toMatchObject({ who: 'Cy', note: '' });
});

test('an overlay elsewhere leaves a column as it was, so that it is not painted again', () => {
  const column = pending.over(2, grid.column(2));
  const before = column.value;
  void changes.cancel(booked, 'ill');
  expect(column.value).toBe(before);
});
