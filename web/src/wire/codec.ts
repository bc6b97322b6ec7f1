/**
 * Messages to bytes and back: msgpack maps whose first key is `t`. Belongs here: encoding, and refusing what is no
 * message. Does not belong here: what a message means.
 */

import { decode as unpack, encode as pack } from '@msgpack/msgpack';

import type { ClientMessage, ServerMessage } from './messages';

/** Bytes came that are no message of this protocol: the link cannot be trusted any further. */
export class MalformedMessage extends Error {}

const KNOWN: ReadonlySet<string> = new Set<ServerMessage['t']>([
  'welcome',
  'snapshot',
  'diff',
  'own',
  'ack',
  'nak',
  'verdict',
  'presence',
  'tick',
  'resync',
  'stale',
  'bye',
  'pong',
]);

/** The message as bytes. Its `t` is written first, whatever order the fields were given in. */
export function encode(message: ClientMessage): Uint8Array<ArrayBuffer> {
  const { t, ...fields } = message;
  return pack({ t, ...fields }, { ignoreUndefined: true });
}

/**
 * The message in the bytes, or null for a type that this client does not know (a newer server may say more).
 *
 * @throws MalformedMessage if they are no msgpack map with a `t`.
 */
export function decode(bytes: ArrayBuffer | Uint8Array): ServerMessage | null {
  let value: unknown;
  try {
    value = unpack(bytes);
  } catch (error) {
    throw new MalformedMessage('undecodable bytes', { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedMessage('not a map');
  }
  const type = (value as { t?: unknown }).t;
  if (typeof type !== 'string') throw new MalformedMessage('a message without a type');
  return KNOWN.has(type) ? (value as ServerMessage) : null;
}
