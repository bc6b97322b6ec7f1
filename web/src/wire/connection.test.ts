import { decode, encode } from '@msgpack/msgpack';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { fullJitter, LONGEST_DELAY_MS } from './backoff';
import { Connection, OFFLINE_AFTER_MS, type Phase } from './connection';
import type { ServerMessage } from './messages';
import type { SocketListener } from './socket';

interface Opened {
  listener: SocketListener;
  sent: unknown[];
  abandoned: boolean;
}

function link(random = () => 0.5) {
  const sockets: Opened[] = [];
  const phases: Phase[] = [];
  const received: ServerMessage[] = [];
  let welcomes = 0;
  const connection = new Connection(
    {
      welcomed: () => (welcomes += 1),
      received: (message) => received.push(message),
      changed: (phase) => phases.push(phase),
    },
    (listener) => {
      const opened: Opened = { listener, sent: [], abandoned: false };
      sockets.push(opened);
      return {
        send: (bytes) => opened.sent.push(decode(bytes)),
        abandon: () => (opened.abandoned = true),
      };
    },
    random,
  );
  const last = (): Opened => {
    const opened = sockets.at(-1);
    if (opened === undefined) throw new Error('no socket was opened');
    return opened;
  };
  const say = (message: Record<string, unknown>): void => {
    last().listener.received(encode(message).slice().buffer);
  };
  const greet = (): void => {
    last().listener.opened();
    say({ t: 'welcome', session: 's', role: 'staff', user_id: 1, server_time: 1, heartbeat_seconds: 10 });
  };
  return { connection, sockets, phases, received, welcomes: () => welcomes, last, say, greet };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('it says hello first, and is live once welcomed', () => {
  const { connection, last, greet, phases, welcomes } = link();
  connection.start();
  expect(connection.send({ t: 'ping', n: 1 })).toBe(false);
  greet();
  expect(last().sent).toEqual([{ t: 'hello', proto: 1 }]);
  expect(phases).toEqual(['live']);
  expect(welcomes()).toBe(1);
  expect(connection.send({ t: 'ping', n: 2 })).toBe(true);
});

test('two and a half heartbeats of silence end a link; any message keeps it', () => {
  const { connection, last, greet, say, sockets } = link();
  connection.start();
  greet();
  vi.advanceTimersByTime(24_000);
  say({ t: 'pong', n: 1 });
  vi.advanceTimersByTime(24_000);
  expect(last().abandoned).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(sockets[0]?.abandoned).toBe(true);
  expect(connection.phase).toBe('connecting');
});

test('a server that never welcomes is given ten seconds', () => {
  const { connection, sockets } = link();
  connection.start();
  vi.advanceTimersByTime(10_000);
  expect(sockets[0]?.abandoned).toBe(true);
});

test('back-off doubles with full jitter up to thirty seconds, and starts afresh only after a tick', () => {
  const { connection, last, greet, say, sockets } = link(() => 0.999);
  connection.start();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 9; attempt += 1) {
    last().listener.closed(1006);
    const before = sockets.length;
    let waited = 0;
    while (sockets.length === before) {
      vi.advanceTimersByTime(10);
      waited += 10;
    }
    delays.push(Math.round(waited / 100) * 100);
  }
  expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  greet();
  last().listener.closed(1006);
  vi.advanceTimersByTime(1_000);
  expect(sockets).toHaveLength(10);
  vi.advanceTimersByTime(30_000);
  greet();
  say({ t: 'tick', versions: {}, server_time: 1 });
  last().listener.closed(1006);
  vi.advanceTimersByTime(500);
  expect(sockets).toHaveLength(12);
});

test('jitter is full: from nothing to the ceiling', () => {
  expect(fullJitter(3, () => 0)).toBe(0);
  expect(fullJitter(40, () => 1)).toBe(LONGEST_DELAY_MS);
});

test('a server that goes away spreads its clients by retry_after_ms', () => {
  const { connection, last, greet, say, sockets } = link();
  connection.start();
  greet();
  say({ t: 'bye', code: 1001, reason: 'restart', retry_after_ms: 3_300 });
  last().listener.closed(1001);
  vi.advanceTimersByTime(3_299);
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(sockets).toHaveLength(2);
});

test('a long break is told as offline, and trying goes on', () => {
  const { connection, last, greet, phases } = link();
  connection.start();
  greet();
  last().listener.closed(1006);
  vi.advanceTimersByTime(OFFLINE_AFTER_MS);
  expect(phases).toEqual(['live', 'connecting', 'offline']);
  vi.advanceTimersByTime(60_000);
  greet();
  expect(connection.phase).toBe('live');
});

test.each([
  [4401, 'signed-out'],
  [4403, 'forbidden'],
  [4409, 'outdated'],
] as const)('close %i ends trying: %s', (code, phase) => {
  const { connection, last, greet, sockets } = link();
  connection.start();
  greet();
  last().listener.closed(code);
  vi.advanceTimersByTime(120_000);
  expect(connection.phase).toBe(phase);
  expect(sockets).toHaveLength(1);
});

test('after signing in again the link is taken up', () => {
  const { connection, last, greet } = link();
  connection.start();
  greet();
  last().listener.closed(4401);
  connection.start();
  greet();
  expect(connection.phase).toBe('live');
});

test('a woken machine makes the server prove that it is there', () => {
  const { connection, last, greet, say, sockets } = link();
  connection.start();
  greet();
  connection.wake();
  expect(last().sent.at(-1)).toMatchObject({ t: 'ping' });
  vi.advanceTimersByTime(1_000);
  say({ t: 'pong', n: 1 });
  vi.advanceTimersByTime(5_000);
  expect(sockets[0]?.abandoned).toBe(false);
  connection.wake();
  vi.advanceTimersByTime(2_000);
  expect(sockets[0]?.abandoned).toBe(true);
});

test('no network is told at once; its return is tried at once', () => {
  const { connection, greet, sockets } = link(() => 0.99);
  connection.start();
  greet();
  connection.networkLost();
  expect(connection.phase).toBe('offline');
  connection.wake();
  expect(sockets).toHaveLength(2);
  greet();
  expect(connection.phase).toBe('live');
});

test('undecodable bytes end the link', () => {
  const { connection, last, greet, sockets } = link();
  connection.start();
  greet();
  last().listener.received(new Uint8Array([0xc1]).buffer);
  expect(sockets[0]?.abandoned).toBe(true);
  expect(connection.phase).toBe('connecting');
});

test('a message of a later protocol is passed over', () => {
  const { connection, greet, say, received } = link();
  connection.start();
  greet();
  say({ t: 'weather', sun: true });
  expect(received).toEqual([]);
  expect(connection.phase).toBe('live');
});
