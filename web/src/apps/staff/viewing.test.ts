import { expect, test } from 'vitest';

import { Clock } from '../../store/clock';
import { Grid } from '../../store/grid';
import { Pending } from '../../store/pending';
import type { Role } from '../../wire/messages';
import { MODES, type Mode } from '../../wire/readings';
import { Viewing } from './viewing';

function may(role: Role, mode: Mode): string[] {
  const me = { id: 1, name: 'Ada', email: null, phone: null, role, location_ids: [], mode };
  const viewing = new Viewing(me, new Grid(), new Pending(), new Clock());
  const able = { change: viewing.worksHere, book: viewing.mayBook, override: viewing.mayOverride };
  return Object.entries(able)
    .filter(([, signal]) => signal.value)
    .map(([name]) => name);
}

test('what the mode does not switch on is not offered', () => {
  expect(MODES.map((mode) => may('admin', mode))).toEqual([
    [],
    [],
    ['change', 'override'],
    ['change', 'book', 'override'],
  ]);
  expect(MODES.map((mode) => may('operator', mode))).toEqual([[], [], ['change'], ['change', 'book']]);
});
