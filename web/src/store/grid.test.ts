import { effect } from '@preact/signals';
import { expect, test } from 'vitest';

import type { DiffOp, GridRecord, Snapshot } from '../wire/messages';
import { Grid } from './grid';

const SLOT = 1800;
const DAY = 48 * SLOT;
const rowsOf = (start: number): number[] => Array.from({ length: 48 }, (_, row) => start + row * SLOT);

function record(
  id: string,
  resource_id: number,
  start: number,
  slots = 2,
  fields: Partial<GridRecord> = {},
): GridRecord {
  return {
    id,
    resource_id,
    start,
    end: start + slots * SLOT,
    kind: 'booking',
    status: 'confirmed',
    ...fields,
  };
}

function snapshot(records: readonly GridRecord[], version = 1): Snapshot {
  return {
    t: 'snapshot',
    location: 1,
    epoch: 'e',
    version,
    from: '2026-11-21',
    days: 3,
    timezone: 'UTC',
    rows: { '2026-11-21': rowsOf(0), '2026-11-22': rowsOf(DAY), '2026-11-23': rowsOf(2 * DAY) },
    resources: [
      { id: 2, name: 'B', position: 2 },
      { id: 1, name: 'A', position: 1 },
      { id: 3, name: 'Gone', position: 0, active: false },
    ],
    records,
    blackouts: [],
  };
}

/** Small, seeded, and the same everywhere (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  'w1: snapshot and diffs equal a fresh snapshot (seed %i)',
  (seed) => {
    const random = seeded(seed);
    const pick = (below: number): number => Math.floor(random() * below);
    const truth = new Map<string, GridRecord>();
    const grid = new Grid();
    grid.replace(snapshot([]));
    for (let version = 2; version < 60; version += 1) {
      const ops: DiffOp[] = [];
      for (let count = pick(4); count > 0; count -= 1) {
        const id = `r${String(pick(20))}`;
        if (random() < 0.3) {
          truth.delete(id);
          ops.push([version, 'remove', id]);
        } else {
          // Some land before or after the window, which makes a put a remove.
          const put = record(id, 1 + pick(2), (pick(48 * 5) - 48) * SLOT, 1 + pick(4), {
            note: String(version),
          });
          truth.set(id, put);
          ops.push([version, 'put', put]);
        }
      }
      grid.apply(ops, version);
    }
    const fresh = new Grid();
    fresh.replace(
      snapshot(
        [...truth.values()].filter((one) => one.start < 3 * DAY && one.end > 0),
        59,
      ),
    );
    expect(grid.records()).toEqual(fresh.records());
    expect(grid.version.value).toBe(fresh.version.value);
    for (const resource of [1, 2]) {
      for (const date of ['2026-11-21', '2026-11-22', '2026-11-23']) {
        expect(grid.day(resource, date).value).toEqual(fresh.day(resource, date).value);
      }
    }
  },
);

test('w2: a put outside the window is a remove', () => {
  const grid = new Grid();
  grid.replace(snapshot([record('a', 1, DAY)]));
  const changes = grid.apply([[2, 'put', record('a', 1, 3 * DAY)]], 2);
  expect(grid.records()).toEqual([]);
  expect(changes).toMatchObject([{ id: 'a', after: null }]);
});

test('a diff repaints the columns and days that it touches, once, and no other', () => {
  const grid = new Grid();
  grid.replace(snapshot([record('a', 1, DAY), record('b', 2, DAY)]));
  const painted: string[] = [];
  for (const resource of [1, 2]) {
    for (const date of ['2026-11-22', '2026-11-23']) {
      effect(() => {
        void grid.day(resource, date).value;
        painted.push(`${String(resource)} ${date}`);
      });
    }
  }
  painted.length = 0;
  grid.apply(
    [
      [2, 'put', record('c', 1, DAY + 4 * SLOT)],
      [3, 'put', record('d', 1, DAY + 8 * SLOT)],
    ],
    3,
  );
  expect(painted).toEqual(['1 2026-11-22']);
});

test('t6: a record over midnight is on both days', () => {
  const grid = new Grid();
  grid.replace(snapshot([record('a', 1, 2 * DAY - SLOT)]));
  expect(grid.day(1, '2026-11-22').value).toHaveLength(1);
  expect(grid.day(1, '2026-11-23').value).toHaveLength(1);
  expect(grid.day(1, '2026-11-21').value).toHaveLength(0);
});

test('columns stand by position, and closed bays do not stand at all', () => {
  const grid = new Grid();
  grid.replace(snapshot([]));
  expect(grid.frame.value?.resources.map((resource) => resource.id)).toEqual([1, 2]);
});

test('a record that moves leaves its old column', () => {
  const grid = new Grid();
  grid.replace(snapshot([record('a', 1, DAY)]));
  grid.apply([[2, 'put', record('a', 2, DAY)]], 2);
  expect(grid.column(1).value).toEqual([]);
  expect(grid.column(2).value).toHaveLength(1);
  expect(grid.versionOf('a')).toBe(2);
});

test('g10: a snapshot tells what is different since', () => {
  const grid = new Grid();
  grid.replace(
    snapshot([record('same', 1, DAY), record('moved', 1, DAY + 4 * SLOT), record('gone', 2, DAY)]),
  );
  const changes = grid.replace(
    snapshot([record('same', 1, DAY), record('moved', 2, DAY + 4 * SLOT), record('new', 2, DAY)], 9),
  );
  expect(changes.map((change) => change.id).sort()).toEqual(['gone', 'moved', 'new']);
});

test('a reload changes no record, and the version goes on', () => {
  const grid = new Grid();
  grid.replace(snapshot([record('a', 1, DAY)]));
  expect(grid.apply([[2, 'reload']], 2)).toEqual([]);
  expect(grid.version.value).toBe(2);
});
