import { expect, test } from 'vitest';

import { afterSending, PASSWORD, tidyCode, wordsOf } from './wayIn';

test('a code is its digits, however it was typed or pasted', () => {
  expect(tidyCode('042137')).toBe('042137');
  expect(tidyCode(' 042 137\n')).toBe('042137');
  expect(tidyCode('042-137.')).toBe('042137');
  expect(tidyCode('０４２１３７')).toBe('042137');
  expect(tidyCode('0421379')).toBe('042137');
  expect(tidyCode('code')).toBe('');
});

test('whoever asked for a code is asked for it next, whatever it is for', () => {
  expect(afterSending({ at: 'ask', purpose: 'reset' })).toEqual({ at: 'code', purpose: 'reset' });
  expect(afterSending({ at: 'code', purpose: 'sign-in' })).toEqual({ at: 'code', purpose: 'sign-in' });
  expect(afterSending(PASSWORD)).toBe(PASSWORD);
});

test('a7: asking for a code says the same of every address', () => {
  const words = wordsOf({ at: 'code', purpose: 'reset' }, ' ada@example.com ');
  expect(words.lead).toBe(
    'A message is on its way to ada@example.com. A code in it is good for ten minutes.',
  );
  expect(words.button).toBe('Set password and sign in');
  expect(wordsOf({ at: 'ask', purpose: 'sign-in' }, '').button).toBe('Email me a code');
  expect(wordsOf(PASSWORD, '').lead).toBeNull();
});
