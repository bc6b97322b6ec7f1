/**
 * The link to the server: greeting, liveness, and coming back after a loss. Belongs here: which phase the link is in, and
 * when to try again. Does not belong here: what is watched (`subscription`), what is asked (`commands`), drawing.
 *
 *     connecting ──welcome──▶ live ──lost──▶ connecting ──lost for 6 s, or no network──▶ offline ──welcome──▶ live
 *          └── 4401 ──▶ signed-out ── start() ──▶ connecting          4409 ──▶ outdated (load the page again)
 */

import { fullJitter } from './backoff';
import { decode, encode, MalformedMessage } from './codec';
import { PROTOCOL, type ClientMessage, type ServerMessage, type Welcome } from './messages';
import type { OpenSocket, Socket } from './socket';

export type Phase = 'connecting' | 'live' | 'offline' | 'signed-out' | 'forbidden' | 'outdated';

/** So many heartbeats without a word, and the link is dead, whatever the operating system thinks of it. */
export const PATIENCE_IN_HEARTBEATS = 2.5;
/** A short break is not worth an alarming word on the screen. */
export const OFFLINE_AFTER_MS = 6_000;
const GREETING_PATIENCE_MS = 10_000;
/** After a laptop woke up: how long a link that looked alive may take to prove it. */
const PROOF_PATIENCE_MS = 2_000;

const ENDS: Readonly<Record<number, Phase>> = { 4401: 'signed-out', 4403: 'forbidden', 4409: 'outdated' };

export interface ConnectionListener {
  /** The link is live: subscribe, and repeat what was not answered. */
  welcomed(welcome: Welcome): void;
  received(message: ServerMessage): void;
  changed(phase: Phase): void;
}

export class Connection {
  readonly #open: OpenSocket;
  readonly #listener: ConnectionListener;
  readonly #random: () => number;
  #phase: Phase = 'connecting';
  #socket: Socket | null = null;
  #attempt = 0;
  #retryAfter: number | null = null;
  #heartbeatMs = 10_000;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #deadline = Infinity;

  constructor(listener: ConnectionListener, open: OpenSocket, random: () => number = Math.random) {
    this.#listener = listener;
    this.#open = open;
    this.#random = random;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Connects now, whatever was planned; does nothing to a link that is up. */
  start(): void {
    if (this.#socket !== null) return;
    clearTimeout(this.#retry);
    if (this.#phase !== 'offline') this.#enter('connecting');
    this.#expectWithin(GREETING_PATIENCE_MS);
    this.#socket = this.#open({
      opened: () => {
        this.#write({ t: 'hello', proto: PROTOCOL });
      },
      received: (bytes) => {
        this.#read(bytes);
      },
      closed: (code) => {
        this.#lost(code);
      },
    });
  }

  /** Ends the link for good, as when signing out. */
  stop(phase: Phase = 'signed-out'): void {
    this.#drop();
    clearTimeout(this.#retry);
    this.#enter(phase);
  }

  /** Sends now, or says that the link is not live; nothing is queued here. */
  send(message: ClientMessage): boolean {
    if (this.#phase !== 'live') return false;
    this.#write(message);
    return true;
  }

  /** The browser says that the network is back, or the page came to the front. */
  wake(): void {
    if (this.#phase === 'live') {
      // The timers of a sleeping machine stand still: let the server prove that it is there.
      this.send({ t: 'ping', n: Date.now() % 2 ** 31 });
      this.#expectWithin(PROOF_PATIENCE_MS);
    } else if (this.#phase === 'connecting' || this.#phase === 'offline') {
      this.#attempt = 0;
      this.start();
    }
  }

  /** The browser says that there is no network. It can be wrong, so that trying goes on. */
  networkLost(): void {
    if (this.#phase !== 'live' && this.#phase !== 'connecting') return;
    this.#lost(1006);
    this.#enter('offline');
  }

  #read(bytes: ArrayBuffer): void {
    let message: ServerMessage | null;
    try {
      message = decode(bytes);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#lost(4400);
      return;
    }
    if (message?.t === 'welcome') this.#heartbeatMs = message.heartbeat_seconds * 1000;
    this.#expectWithin(this.#heartbeatMs * PATIENCE_IN_HEARTBEATS);
    if (message === null) return;
    if (message.t === 'welcome') {
      this.#enter('live');
      this.#listener.welcomed(message);
      return;
    }
    // Only a link that lasted earns a fresh start: a server that greets and dies is not hammered.
    if (message.t === 'tick') this.#attempt = 0;
    if (message.t === 'bye') this.#retryAfter = message.retry_after_ms ?? null;
    this.#listener.received(message);
  }

  #write(message: ClientMessage): void {
    this.#socket?.send(encode(message));
  }

  #lost(code: number): void {
    this.#drop();
    const end = ENDS[code];
    if (end !== undefined) {
      this.#enter(end);
      return;
    }
    if (this.#phase === 'live') this.#enter('connecting');
    const delay = this.#retryAfter ?? fullJitter(this.#attempt, this.#random);
    this.#retryAfter = null;
    this.#attempt += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.start();
    }, delay);
  }

  #drop(): void {
    this.#socket?.abandon();
    this.#socket = null;
    clearTimeout(this.#watchdog);
    this.#watchdog = undefined;
    this.#deadline = Infinity;
  }

  /** One timer looks again at the deadline, rather than one set and cleared for every message. */
  #expectWithin(milliseconds: number): void {
    const sooner = Date.now() + milliseconds < this.#deadline;
    this.#deadline = Date.now() + milliseconds;
    if (this.#watchdog !== undefined && !sooner) return;
    clearTimeout(this.#watchdog);
    const look = (): void => {
      const left = this.#deadline - Date.now();
      if (left <= 0) this.#lost(1006);
      else this.#watchdog = setTimeout(look, left);
    };
    this.#watchdog = setTimeout(look, milliseconds);
  }

  #enter(phase: Phase): void {
    if (phase === 'connecting') {
      this.#alarm ??= setTimeout(() => {
        this.#alarm = undefined;
        if (this.#phase === 'connecting') this.#enter('offline');
      }, OFFLINE_AFTER_MS);
    } else {
      clearTimeout(this.#alarm);
      this.#alarm = undefined;
    }
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#listener.changed(phase);
  }
}
