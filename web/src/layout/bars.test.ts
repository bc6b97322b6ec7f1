import { describe, expect, test } from 'vitest';

import { barsOf, topOf, writtenLabels } from './bars';

describe('the bars of a chart', () => {
  test('y2: lie side by side, as high as their values', () => {
    const bars = barsOf(
      Array.from({ length: 20 }, (_, index) => index / 20),
      1,
    );
    for (const [index, bar] of bars.entries()) {
      expect(bar.left).toBeGreaterThanOrEqual(index / 20);
      expect(bar.left + bar.width).toBeLessThanOrEqual((index + 1) / 20);
      expect(bar.height).toBeCloseTo(index / 20);
    }
  });

  test('y2: show nothing where there was nothing to book, and not a bar of no height', () => {
    expect(barsOf([null, 0, 0.5], 0.5).map((bar) => bar.height)).toEqual([null, 0, 1]);
  });

  test('are cut off at the end of the scale', () => {
    expect(barsOf([1.4, -0.1], 1).map((bar) => bar.height)).toEqual([1, 0]);
  });

  test('are never so wide that one of them is a wall', () => {
    const [bar] = barsOf([0.5], 1);
    expect(bar?.width).toBeLessThan(0.2);
    expect((bar?.left ?? 0) + (bar?.width ?? 0) / 2).toBeCloseTo(0.5);
    expect(barsOf([], 1)).toEqual([]);
  });
});

test('a scale ends at a round share that nothing exceeds', () => {
  expect(topOf([0.02, null])).toBe(0.1);
  expect(topOf([0.1])).toBe(0.1);
  expect(topOf([0.3, 0.51])).toBe(0.75);
  expect(topOf([0.9, 0.2])).toBe(1);
  expect(topOf([])).toBe(0.1);
});

test('labels are left out rather than written over each other', () => {
  const written = (count: number, most: number): number =>
    Array.from({ length: count }, (_, index) => index).filter(writtenLabels(count, most)).length;
  expect(written(7, 12)).toBe(7);
  expect(written(24, 12)).toBe(12);
  expect(written(365, 12)).toBeLessThanOrEqual(12);
});
