import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Judge, JUDGE_INTERVAL_MS } from './judge';
import type { ClientMessage } from './messages';
import { PRESENCE_INTERVAL_MS, PRESENCE_REPEAT_MS, PresenceSender } from './presence';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function judging() {
  const sent: (ClientMessage & { t: 'judge' })[] = [];
  const judge = new Judge((message) => {
    if (message.t === 'judge') sent.push(message);
    return true;
  });
  return { judge, sent };
}

const allowed = (id: string) =>
  ({ t: 'verdict', id, allowed: true, overridable: false, violations: [], suggestions: [] }) as const;

test('g8: only the verdict on the latest question is heard', () => {
  const { judge, sent } = judging();
  const first = vi.fn();
  const second = vi.fn();
  judge.ask('create', { n: 1 }, first);
  vi.advanceTimersByTime(JUDGE_INTERVAL_MS);
  judge.ask('create', { n: 2 }, second);
  expect(judge.receive(allowed(sent[0]?.id ?? ''))).toBe(true);
  expect(first).not.toHaveBeenCalled();
  judge.receive(allowed(sent[1]?.id ?? ''));
  expect(second).toHaveBeenCalledWith(expect.objectContaining({ allowed: true }));
});

test('g8: a burst is thinned out, and its last question is always asked', () => {
  const { judge, sent } = judging();
  for (let n = 0; n < 50; n += 1) {
    judge.ask('create', { n }, vi.fn());
    vi.advanceTimersByTime(4);
  }
  vi.advanceTimersByTime(JUDGE_INTERVAL_MS);
  expect(sent.length).toBeLessThan(8);
  expect(sent.at(-1)?.args).toEqual({ n: 49 });
});

test('a question is asked again on a new link, unless it was dropped', () => {
  const { judge, sent } = judging();
  judge.ask('create', { n: 1 }, vi.fn());
  judge.resend();
  expect(sent).toHaveLength(2);
  judge.forget();
  judge.resend();
  expect(sent).toHaveLength(2);
});

test('a question that cannot be answered is a refusal with the reason', () => {
  const { judge, sent } = judging();
  const heard = vi.fn();
  judge.ask('reschedule', {}, heard);
  judge.receive({ t: 'nak', id: sent[0]?.id ?? '', status: 404, code: 'not_found', detail: 'gone' });
  expect(heard).toHaveBeenCalledWith(
    expect.objectContaining({
      allowed: false,
      violations: [expect.objectContaining({ code: 'not_found', message: 'gone' })],
    }),
  );
});

test('an answer to a command is none of ours', () => {
  expect(judging().judge.receive({ t: 'nak', id: 'some-key', status: 409, code: 'conflict' })).toBe(false);
});

function telling() {
  const sent: (ClientMessage & { t: 'presence' })[] = [];
  const presence = new PresenceSender((message) => {
    if (message.t === 'presence') sent.push(message);
    return true;
  });
  const drag = (n: number) => ({ resource_id: n, start_time: 'a', end_time: 'b' });
  return { presence, sent, drag };
}

test('g9: at most ten a second, the last position always told', () => {
  const { presence, sent, drag } = telling();
  for (let n = 1; n <= 100; n += 1) {
    presence.show(1, drag(n));
    vi.advanceTimersByTime(10);
  }
  vi.advanceTimersByTime(PRESENCE_INTERVAL_MS);
  expect(sent.length).toBeLessThanOrEqual(12);
  expect(sent.at(-1)?.drag?.resource_id).toBe(100);
});

test('g9: told again every four seconds while it lasts, and no more when it ends', () => {
  const { presence, sent, drag } = telling();
  presence.show(1, drag(1));
  vi.advanceTimersByTime(2 * PRESENCE_REPEAT_MS);
  expect(sent).toHaveLength(3);
  presence.show(1, null);
  vi.advanceTimersByTime(PRESENCE_INTERVAL_MS);
  expect(sent.at(-1)).toEqual({ t: 'presence', location: 1 });
  vi.advanceTimersByTime(3 * PRESENCE_REPEAT_MS);
  expect(sent).toHaveLength(4);
});

test('nothing is told of nothing', () => {
  const { presence, sent } = telling();
  presence.show(1, null);
  vi.advanceTimersByTime(PRESENCE_REPEAT_MS);
  expect(sent).toEqual([]);
});

test('going to another location ends the drag at the one that is left', () => {
  const { presence, sent, drag } = telling();
  presence.show(1, drag(1));
  presence.show(2, null);
  expect(sent.at(-1)).toEqual({ t: 'presence', location: 1 });
});
