/**
 * The one door to the browser's WebSocket, so that all else of the wire runs without one. Belongs here: opening, and
 * passing bytes and ends on. Does not belong here: what they mean (`connection`).
 */

import { SUBPROTOCOL } from './messages';

export interface SocketListener {
  opened(): void;
  received(bytes: ArrayBuffer): void;
  closed(code: number): void;
}

export interface Socket {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Says nothing to the listener any more; safe to call at any time. */
  abandon(): void;
}

export type OpenSocket = (listener: SocketListener) => Socket;

/** Opens `/ws` of the page's own origin; the sign-in cookie goes along. */
export const openSocket: OpenSocket = (listener) => {
  const url = new URL('/ws', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    listener.opened();
  };
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (event.data instanceof ArrayBuffer) listener.received(event.data);
  };
  socket.onclose = (event) => {
    listener.closed(event.code);
  };
  return {
    send(bytes) {
      socket.send(bytes);
    },
    abandon() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000);
    },
  };
};
