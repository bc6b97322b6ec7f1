import { describe, expect, test } from 'vitest';

import { hashOf, placeOf, SECTIONS } from './place';

describe('the address of a page', () => {
  test('is read back as it was written', () => {
    for (const place of [
      { section: 'outbox', thread: null },
      { section: 'support', thread: null },
      { section: 'support', thread: 'a/b?c%20' },
    ] as const)
      expect(placeOf(hashOf(place))).toEqual(place);
  });

  test('leads to the first page where it names none', () => {
    for (const hash of ['', '#', '#nowhere', '#/nowhere'])
      expect(placeOf(hash)).toEqual({ section: SECTIONS[0], thread: null });
  });

  test('names a conversation in the section of support alone', () => {
    expect(placeOf('#outbox/4711')).toEqual({ section: 'outbox', thread: null });
  });

  test('is taken as it stands where it cannot be decoded', () => {
    expect(placeOf('#support/%E0%A4%A')).toEqual({ section: 'support', thread: '%E0%A4%A' });
  });
});
