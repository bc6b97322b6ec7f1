/**
 * Ties the wire to the store: every message goes where it belongs. Belongs here: that dispatch, and which window is
 * watched. Does not belong here: deciding (`wire/subscription`), drawing, what people do (`actions`).
 */

import { batch, signal } from '@preact/signals';

import { shiftDate } from '../../layout/calendar';
import type { Clock } from '../../store/clock';
import type { Ghosts } from '../../store/ghosts';
import type { Change, Grid } from '../../store/grid';
import type { Pending } from '../../store/pending';
import { Commands } from '../../wire/commands';
import { Connection, type Phase } from '../../wire/connection';
import { Judge } from '../../wire/judge';
import type { ClientMessage, ServerMessage } from '../../wire/messages';
import { PresenceSender } from '../../wire/presence';
import { openSocket } from '../../wire/socket';
import { Subscription, type Step } from '../../wire/subscription';

/** The day looked at and its neighbours, so that a step to either side shows at once. */
const DAYS_BEFORE = 1;
const DAYS = 3;
const REFUSED_RETRY_MS = 3_000;

interface Parts {
  readonly grid: Grid;
  readonly pending: Pending;
  readonly ghosts: Ghosts;
  readonly clock: Clock;
  /** Records changed: by a diff as it happened, or by a snapshot that tells what was missed. */
  readonly onChanges: (changes: readonly Change[], by: 'diff' | 'snapshot') => void;
  readonly onSignedOut: () => void;
}

export class Link {
  readonly phase = signal<Phase>('connecting');
  readonly stale = signal(false);
  readonly heardAt = signal<number | null>(null);
  /** Why the window asked for cannot be had, with the server's word for it. */
  readonly refused = signal<string | null>(null);
  readonly commands: Commands;
  readonly judge: Judge;
  readonly presence: PresenceSender;
  readonly #connection: Connection;
  readonly #listening = new AbortController();
  #subscription: Subscription | null = null;
  #session = '';
  #gap: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly parts: Parts) {
    const send = (message: ClientMessage): boolean => this.#connection.send(message);
    this.commands = new Commands(send);
    this.judge = new Judge(send);
    this.presence = new PresenceSender(send);
    this.#connection = new Connection(
      {
        welcomed: (welcome) => {
          this.#session = welcome.session;
          this.parts.clock.set(welcome.server_time);
          if (this.#subscription !== null) send(this.#subscription.request());
          this.commands.resend();
          this.judge.resend();
        },
        received: (message) => {
          this.#receive(message);
        },
        changed: (phase) => {
          this.#changed(phase);
        },
      },
      openSocket,
    );
    const listening = { signal: this.#listening.signal };
    const wake = (): void => {
      this.#connection.wake();
    };
    const lose = (): void => {
      this.#connection.networkLost();
    };
    const look = (): void => {
      if (document.visibilityState === 'visible') wake();
    };
    window.addEventListener('online', wake, listening);
    window.addEventListener('offline', lose, listening);
    document.addEventListener('visibilitychange', look, listening);
  }

  start(): void {
    this.#connection.start();
  }

  stop(): void {
    this.#listening.abort();
    this.#connection.stop();
  }

  /** Tells the open link of a fresh token; a link that was told to sign in again takes it up with the new cookie. */
  authenticate(token: string): void {
    if (!this.#connection.send({ t: 'auth', token })) this.#connection.start();
  }

  /** Watches a location's day, and what lies round it. A day that is held already is not asked for again. */
  watch(location: number, date: string): void {
    const from = shiftDate(date, -DAYS_BEFORE);
    this.refused.value = null;
    if (this.#subscription?.location !== location) {
      if (this.#subscription !== null)
        this.#connection.send({ t: 'unsubscribe', location: this.#subscription.location });
      batch(() => {
        this.parts.grid.clear();
        this.parts.pending.clear();
        this.parts.ghosts.clear();
        this.stale.value = false;
      });
      this.#subscription = new Subscription(location, from, DAYS);
      this.#connection.send(this.#subscription.request());
    } else this.#connection.send(this.#subscription.look(from, DAYS));
  }

  #changed(phase: Phase): void {
    this.phase.value = phase;
    if (phase === 'live') return;
    clearTimeout(this.#gap);
    clearTimeout(this.#retry);
    this.#subscription?.disconnected();
    this.commands.disconnected();
    this.parts.ghosts.clear();
    if (phase === 'signed-out') this.parts.onSignedOut();
  }

  #receive(message: ServerMessage): void {
    this.heardAt.value = this.parts.clock.read();
    const subscription = this.#subscription;
    switch (message.t) {
      case 'ack':
        this.commands.receive(message);
        return;
      case 'nak':
        if (this.commands.receive(message) || this.judge.receive(message)) return;
        if (message.location === subscription?.location)
          this.#refuse(message.status, message.detail ?? message.code);
        return;
      case 'verdict':
        this.judge.receive(message);
        return;
      case 'tick':
        this.parts.clock.set(message.server_time);
        if (subscription !== null) this.#tick(subscription, message.versions[String(subscription.location)]);
        return;
      case 'snapshot':
        if (message.location === subscription?.location) this.#step(subscription.onSnapshot(message));
        return;
      case 'diff':
        if (message.location === subscription?.location) this.#step(subscription.onDiff(message));
        return;
      case 'resync':
        if (message.location === subscription?.location) this.#step(subscription.restart());
        return;
      case 'stale':
        if (message.location === subscription?.location) this.stale.value = message.stale;
        return;
      case 'presence':
        if (message.location === subscription?.location && message.session !== this.#session)
          this.parts.ghosts.receive(message);
        return;
    }
  }

  #step(step: Step): void {
    const { grid, pending, onChanges } = this.parts;
    switch (step.do) {
      case 'ignore':
        return;
      case 'subscribe':
        this.#connection.send(step.message);
        return;
      case 'replace':
        batch(() => {
          this.refused.value = null;
          onChanges(grid.replace(step.snapshot), 'snapshot');
          pending.reached(step.snapshot.version);
        });
        return;
      case 'apply': {
        batch(() => {
          // Told before the overlays go, so that a change of our own can still be known as ours.
          onChanges(grid.apply(step.ops, step.version), 'diff');
          pending.reached(step.version);
        });
        if (step.ops.some((op) => op[1] === 'reload') && this.#subscription !== null)
          this.#step(this.#subscription.restart());
      }
    }
  }

  #tick(subscription: Subscription, version: number | undefined): void {
    if (version === undefined) return;
    this.#step(subscription.onTick(version, Date.now()));
    clearTimeout(this.#gap);
    const overdueAt = subscription.overdueAt;
    if (overdueAt === null) return;
    this.#gap = setTimeout(() => {
      this.#step(subscription.onOverdue(Date.now()));
    }, overdueAt - Date.now());
  }

  /** The window cannot be had. What passes by itself (no database, too many requests) is asked for again. */
  #refuse(status: number, why: string): void {
    this.refused.value = why;
    this.#subscription?.disconnected();
    if (status !== 503 && status !== 429) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (this.#subscription !== null) this.#connection.send(this.#subscription.request());
    }, REFUSED_RETRY_MS);
  }
}
