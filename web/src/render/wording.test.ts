import { expect, test } from 'vitest';

import type { BlockType, GridRecord } from '../wire/messages';
import records from './styles/records.css?raw';
import tokens from './styles/tokens.css?raw';
import { BLOCK_LABELS, titleOf } from './wording';

const TYPES = Object.keys(BLOCK_LABELS) as BlockType[];

function block(type: BlockType): GridRecord {
  return { id: 'b1', resource_id: 1, start: 0, end: 3_600, kind: 'block', status: 'confirmed', type };
}

/** The values of the colours that a card of the type is drawn with, as the tokens define them. */
function colours(type: BlockType): string[] {
  const rule = new RegExp(`\\.card\\[data-type='${type}'\\] \\{([^}]*)\\}`).exec(records)?.[1] ?? '';
  return [...rule.matchAll(/--(?:fill|bar|on): var\((--[\w-]+)\)/g)].map(
    ([, token]) => new RegExp(`${String(token)}: ([^;]+);`).exec(tokens)?.[1] ?? `no ${String(token)}`,
  );
}

test('b1: each type of block is named in words of its own', () => {
  expect(TYPES).toEqual(['MAINTENANCE', 'TRAINING', 'PRIVATE_EVENT', 'BLOCKED']);
  const titles = TYPES.map((type) => titleOf(block(type)));
  expect(titles).toEqual(['Maintenance', 'Training', 'Private event', 'Blocked']);
});

test('b1: each type of block has a colour of its own', () => {
  const drawn = TYPES.map(colours);
  for (const values of drawn) {
    expect(values).toHaveLength(3);
    expect(values.filter((value) => value.startsWith('no '))).toEqual([]);
  }
  expect(new Set(drawn.map((values) => values[0])).size).toBe(TYPES.length);
  expect(new Set(drawn.map((values) => values[1])).size).toBe(TYPES.length);
});
