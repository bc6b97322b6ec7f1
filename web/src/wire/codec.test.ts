import { decode as unpack, encode as pack } from '@msgpack/msgpack';
import { expect, test } from 'vitest';

import vectors from '../../../tests/wire/vectors.json';
import { decode, encode, MalformedMessage } from './codec';
import { PROTOCOL, type ClientMessage } from './messages';

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const bytesOf = (digits: string): Uint8Array =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));

test('the vectors that both sides share are of this protocol', () => {
  expect(vectors.protocol).toBe(PROTOCOL);
});

test.each(vectors.server)(
  'shared vector: a $message.t of the server’s is read',
  ({ hex: written, message }) => {
    expect(decode(bytesOf(written))).toEqual(message);
  },
);

test.each(vectors.client)(
  'shared vector: a $message.t is written as the server reads it',
  ({ hex: read, message }) => {
    expect(hex(encode(message as ClientMessage))).toBe(read);
  },
);

test('t is the first key, whatever order the fields were given in', () => {
  const message = { version: 7, location: 1, t: 'unsubscribe' } as unknown as ClientMessage;
  expect(Object.keys(unpack(encode(message)) as object)[0]).toBe('t');
});

test('the bytes of a hello are what the server reads', () => {
  expect(hex(encode({ t: 'hello', proto: 1 }))).toBe('82a174a568656c6c6fa570726f746f01');
});

test('what is not given is not written', () => {
  const bytes = encode({ t: 'hello', proto: 1, token: undefined } as unknown as ClientMessage);
  expect(unpack(bytes)).toEqual({ t: 'hello', proto: 1 });
});

test('a tick’s versions are found by location, though its keys are integers', () => {
  // {"t": "tick", "versions": {1: 42}, "server_time": 0}
  const tick = decode(bytesOf('83a174a47469636ba876657273696f6e7381012aab7365727665725f74696d6500'));
  expect(tick?.t === 'tick' && tick.versions['1']).toBe(42);
});

test.each([
  ['no map', pack([1, 2])],
  ['no type', pack({ x: 1 })],
  ['a truncated map', new Uint8Array([0x82, 0xa1])],
  ['nothing', new Uint8Array()],
])('%s is malformed', (_, bytes) => {
  expect(() => decode(bytes)).toThrow(MalformedMessage);
});

test('a type that is not known is no fault', () => {
  expect(decode(pack({ t: 'weather' }))).toBeNull();
});
