import { expect, test } from 'vitest';

import type { Diff, DiffOp, Snapshot } from './messages';
import { Subscription } from './subscription';

const snapshot = (version: number, epoch = 'e1', from = '2026-11-22'): Snapshot => ({
  t: 'snapshot',
  location: 1,
  epoch,
  version,
  from,
  days: 3,
  timezone: 'UTC',
  rows: {},
  resources: [],
  records: [],
  blackouts: [],
});
const op = (version: number): DiffOp => [version, 'remove', `r${version}`];
const diff = (base: number, version: number, epoch = 'e1'): Diff => ({
  t: 'diff',
  location: 1,
  epoch,
  base,
  version,
  ops: Array.from({ length: version - base }, (_, index) => op(base + index + 1)),
});

function at(version: number): Subscription {
  const subscription = new Subscription(1, '2026-11-22', 3);
  subscription.request();
  subscription.onSnapshot(snapshot(version));
  return subscription;
}

const since = (version: number, epoch = 'e1') => ({
  do: 'subscribe',
  message: { t: 'subscribe', location: 1, from: '2026-11-22', days: 3, since: { epoch, version } },
});
const afresh = { do: 'subscribe', message: { t: 'subscribe', location: 1, from: '2026-11-22', days: 3 } };

// have, [base, version], what follows, the version after
test.each([
  [10, [10, 11], { do: 'apply', ops: [op(11)], version: 11 }, 11],
  [10, [10, 13], { do: 'apply', ops: [op(11), op(12), op(13)], version: 13 }, 13],
  [10, [10, 10], { do: 'ignore' }, 10],
  [10, [9, 10], { do: 'ignore' }, 10],
  [10, [3, 7], { do: 'ignore' }, 10],
  [10, [8, 12], { do: 'apply', ops: [op(11), op(12)], version: 12 }, 12],
  [10, [11, 12], since(10), 10],
] as const)('w2: have %i, diff %j → %j', (have, [base, version], step, after) => {
  const subscription = at(have);
  expect(subscription.onDiff(diff(base, version))).toEqual(step);
  expect(subscription.version).toBe(after);
});

test('w2: a diff of an unknown epoch asks again with since', () => {
  expect(at(10).onDiff(diff(10, 11, 'e2'))).toEqual(since(10));
});

test('w2: a gap asks once, and the answer closes it', () => {
  const subscription = at(10);
  expect(subscription.onDiff(diff(12, 13))).toEqual(since(10));
  expect(subscription.onDiff(diff(13, 14))).toEqual({ do: 'ignore' });
  expect(subscription.onDiff(diff(10, 14))).toMatchObject({ do: 'apply', version: 14 });
  expect(subscription.onDiff(diff(15, 16))).toEqual(since(14));
});

test('w2: a diff before any snapshot is ignored', () => {
  const subscription = new Subscription(1, '2026-11-22', 3);
  subscription.request();
  expect(subscription.onDiff(diff(0, 1))).toEqual({ do: 'ignore' });
});

test('a tick ahead asks with since only after two seconds', () => {
  const subscription = at(10);
  expect(subscription.onTick(12, 1_000)).toEqual({ do: 'ignore' });
  expect(subscription.overdueAt).toBe(3_000);
  expect(subscription.onOverdue(2_999)).toEqual({ do: 'ignore' });
  expect(subscription.onOverdue(3_000)).toEqual(since(10));
  expect(subscription.overdueAt).toBeNull();
});

test('a tick ahead is forgotten when the diff arrives in time', () => {
  const subscription = at(10);
  subscription.onTick(11, 0);
  subscription.onDiff(diff(10, 11));
  expect(subscription.overdueAt).toBeNull();
  expect(subscription.onOverdue(5_000)).toEqual({ do: 'ignore' });
});

test('a tick behind asks without since', () => {
  expect(at(10).onTick(9, 0)).toEqual(afresh);
});

test('another window is asked for whole, and a late snapshot of the old one is ignored', () => {
  const subscription = at(10);
  expect(subscription.look('2026-11-23', 3)).toEqual({
    t: 'subscribe',
    location: 1,
    from: '2026-11-23',
    days: 3,
  });
  expect(subscription.onSnapshot(snapshot(11))).toEqual({ do: 'ignore' });
  expect(subscription.onDiff(diff(10, 11))).toMatchObject({ do: 'apply' });
  expect(subscription.onSnapshot(snapshot(11, 'e1', '2026-11-23'))).toMatchObject({ do: 'replace' });
  expect(subscription.request()).toMatchObject({ since: { epoch: 'e1', version: 11 } });
});

test('a lost link is taken up where it was left', () => {
  const subscription = at(10);
  subscription.onDiff(diff(12, 13));
  subscription.disconnected();
  expect(subscription.request()).toEqual(since(10).message);
});

test('resync forgets the version', () => {
  expect(at(10).restart()).toEqual(afresh);
});
