import { expect, test } from 'vitest';

import type { Booking } from '../wire/readings';
import { editOf, fieldsOf, rebase } from './edits';

const booking: Booking = {
  id: 'b1',
  location_id: 1,
  resource_id: 3,
  user_id: 7,
  visitor: null,
  type: 'CUSTOMER',
  status: 'confirmed',
  start_time: '2026-11-24T14:30:00Z',
  end_time: '2026-11-24T15:30:00Z',
  note: 'left-handed',
  internal_note: null,
  reschedule_count: 0,
  attended_at: null,
  created_at: '2026-11-20T00:00:00Z',
  updated_at: '2026-11-20T00:00:00Z',
  version: 5,
};
const moved: Booking = { ...booking, resource_id: 5, version: 6 };

test('an edit names only what is not as it was', () => {
  const fields = { ...fieldsOf(booking), internal: 'late as a rule' };
  expect(editOf(fields, fieldsOf(booking))).toEqual({ internal_note: 'late as a rule' });
  expect(editOf(fieldsOf(booking), fieldsOf(booking))).toEqual({});
});

test('a note that is being written survives a colleague who moves the booking', () => {
  const fields = rebase({ ...fieldsOf(booking), note: 'brings guests' }, booking, moved);
  expect(fields).toEqual({ ...fieldsOf(moved), note: 'brings guests' });
  expect(fields === null ? null : editOf(fields, fieldsOf(moved))).toEqual({ note: 'brings guests' });
});

test('two different ends for the same field are left to a person', () => {
  const place = { ...fieldsOf(booking).place, resource_id: 9 };
  expect(rebase({ ...fieldsOf(booking), place }, booking, moved)).toBeNull();
  const renoted = { ...booking, note: 'right-handed', version: 6 };
  expect(rebase({ ...fieldsOf(booking), note: 'brings guests' }, booking, renoted)).toBeNull();
  const given = { ...booking, user_id: 8, version: 6 };
  expect(rebase({ ...fieldsOf(booking), person: { user_id: 9, name: 'Ana' } }, booking, given)).toBeNull();
});

test('the same end for the same field is no quarrel', () => {
  expect(rebase({ ...fieldsOf(booking), place: fieldsOf(moved).place }, booking, moved)).toEqual(
    fieldsOf(moved),
  );
});
