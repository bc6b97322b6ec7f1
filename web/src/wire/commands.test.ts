import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Commands, DOUBT_AFTER_MS, REPEAT_AFTER_MS } from './commands';
import { formatInstant, parseInstant } from './instant';
import { idempotencyKey } from './key';
import type { ClientMessage } from './messages';

function outbox() {
  const sent: ClientMessage[] = [];
  const live = { now: true };
  const commands = new Commands((message) => {
    if (live.now) sent.push(message);
    return live.now;
  });
  return { commands, sent, live };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a command is answered by its ack', async () => {
  const { commands, sent } = outbox();
  const { key, answer } = commands.submit('cancel', { booking_id: 'b' });
  expect(sent).toEqual([{ t: 'command', id: key, op: 'cancel', args: { booking_id: 'b' } }]);
  expect(commands.receive({ t: 'ack', id: 'another', result: null })).toBe(false);
  expect(commands.receive({ t: 'ack', id: key, version: 9, result: {} })).toBe(true);
  expect(await answer).toMatchObject({ t: 'ack', version: 9 });
  expect(commands.size).toBe(0);
});

test('g7: after a reconnect it is said again under the same key, in order, until it is answered', () => {
  const { commands, sent, live } = outbox();
  const first = commands.submit('cancel', { booking_id: 'a' });
  live.now = false;
  commands.disconnected();
  const second = commands.submit('cancel', { booking_id: 'b' });
  live.now = true;
  commands.resend();
  expect(sent.map((message) => message.t === 'command' && message.id)).toEqual([
    first.key,
    first.key,
    second.key,
  ]);
  commands.receive({ t: 'ack', id: first.key, result: {} });
  commands.resend();
  expect(sent.slice(3)).toMatchObject([{ id: second.key }]);
});

test('w4: a late answer is told once as not known, and on a live link the command is said again', () => {
  const { commands, sent } = outbox();
  const doubt = vi.fn();
  const { key } = commands.submit('cancel', {}, doubt);
  vi.advanceTimersByTime(DOUBT_AFTER_MS);
  expect(doubt).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(REPEAT_AFTER_MS - DOUBT_AFTER_MS);
  expect(sent).toHaveLength(2);
  vi.advanceTimersByTime(3 * REPEAT_AFTER_MS);
  expect(doubt).toHaveBeenCalledTimes(1);
  commands.receive({ t: 'nak', id: key, status: 503, code: 'unavailable' });
  const before = sent.length;
  vi.advanceTimersByTime(3 * REPEAT_AFTER_MS);
  expect(sent).toHaveLength(before);
});

test('w4: a lost link makes everything that waits uncertain at once', () => {
  const { commands } = outbox();
  const doubt = vi.fn();
  commands.submit('cancel', {}, doubt);
  commands.disconnected();
  expect(doubt).toHaveBeenCalledTimes(1);
});

test('keys are UUIDs, with or without the browser’s own maker', () => {
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(idempotencyKey()).toMatch(pattern);
  vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes.fill(0xff) });
  expect(idempotencyKey()).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
  vi.unstubAllGlobals();
});

test('instants go out as RFC 3339 in UTC, and come in with any offset', () => {
  expect(formatInstant(1812204000)).toBe('2027-06-05T14:00:00Z');
  expect(parseInstant('2027-06-05T10:00:00-04:00')).toBe(1812204000);
  expect(parseInstant(7)).toBe(7);
  expect(() => parseInstant('soon')).toThrow(RangeError);
});
