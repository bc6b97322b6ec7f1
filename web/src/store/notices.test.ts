import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { GHOST_LIFETIME_MS, Ghosts } from './ghosts';
import { ANNOUNCEMENT_INTERVAL_MS, FOLLOWING_MS, Notices } from './notices';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a notice goes by itself, but not while it is held', () => {
  const notices = new Notices();
  const id = notices.show({ tone: 'plain', title: 'Saved', lifetime: 1_000 });
  notices.keep(id, true);
  vi.advanceTimersByTime(5_000);
  expect(notices.shown.value).toHaveLength(1);
  notices.keep(id, false);
  vi.advanceTimersByTime(1_000);
  expect(notices.shown.value).toEqual([]);
});

test('a later notice about the same booking takes the place of the first', () => {
  const notices = new Notices();
  notices.show({ tone: 'good', title: 'Booked', about: 'b1' });
  notices.show({ tone: 'good', title: 'Other', about: 'b2' });
  notices.show({ tone: 'good', title: 'Moved', about: 'b1' });
  expect(notices.shown.value.map((notice) => notice.title)).toEqual(['Other', 'Moved']);
  notices.show({ tone: 'bad', title: 'Refused', about: 'b1' });
  expect(notices.shown.value.map((notice) => notice.title)).toEqual(['Other', 'Moved', 'Refused']);
  notices.show({ tone: 'good', title: 'Cancelled', about: 'b1' });
  expect(notices.shown.value.map((notice) => notice.title)).toEqual(['Other', 'Cancelled']);
});

test('what happens close together is read out together, a crowd by its number', () => {
  const notices = new Notices();
  notices.announce('One');
  notices.announce('Two');
  expect(notices.announced.value).toBe('');
  vi.advanceTimersByTime(ANNOUNCEMENT_INTERVAL_MS);
  expect(notices.announced.value).toBe('One. Two');
  for (const name of ['a', 'b', 'c', 'd', 'e']) notices.announce(name);
  vi.advanceTimersByTime(ANNOUNCEMENT_INTERVAL_MS);
  expect(notices.announced.value).toBe('d. e. And 3 more changes');
});

test('what is carried is read out where it rests, not on the way', () => {
  const notices = new Notices();
  notices.follow('Bay 1');
  vi.advanceTimersByTime(FOLLOWING_MS - 1);
  notices.follow('Bay 2');
  vi.advanceTimersByTime(FOLLOWING_MS - 1);
  expect(notices.followed.value).toBe('');
  vi.advanceTimersByTime(1);
  expect(notices.followed.value).toBe('Bay 2');
});

test('g9: a ghost goes when its drag ends, and within ten seconds when its session has died', () => {
  const ghosts = new Ghosts();
  const drag = { resource_id: 1, start_time: '2026-11-22T10:00:00Z', end_time: '2026-11-22T11:00:00Z' };
  const presence = (session: string, present = true) =>
    ({ t: 'presence', location: 1, session, who: session, ...(present ? { drag } : {}) }) as const;
  ghosts.receive(presence('a'));
  ghosts.receive(presence('b'));
  ghosts.receive(presence('a', false));
  expect(ghosts.present.value.map((ghost) => ghost.session)).toEqual(['b']);
  vi.advanceTimersByTime(GHOST_LIFETIME_MS - 1);
  ghosts.receive(presence('b'));
  vi.advanceTimersByTime(GHOST_LIFETIME_MS - 1);
  expect(ghosts.present.value).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(ghosts.present.value).toEqual([]);
});
