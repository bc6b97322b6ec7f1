/**
 * Colleagues' drags in progress (G9). One that is not repeated goes within 10 s: its session may be dead. Does not belong
 * here: telling of our own (`wire/presence`).
 */

import { signal } from '@preact/signals';

import { parseInstant, type Instant } from '../wire/instant';
import type { Presence } from '../wire/messages';

export const GHOST_LIFETIME_MS = 10_000;

export interface Ghost {
  readonly session: string;
  readonly who: string;
  readonly resource_id: number;
  readonly start: Instant;
  readonly end: Instant;
  readonly booking_id: string | null;
}

export class Ghosts {
  readonly present = signal<readonly Ghost[]>([]);
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  receive(presence: Presence): void {
    this.#forget(presence.session);
    const others = this.present.value.filter((ghost) => ghost.session !== presence.session);
    const drag = presence.drag;
    if (drag === undefined || drag === null) {
      if (others.length !== this.present.value.length) this.present.value = others;
      return;
    }
    this.present.value = [
      ...others,
      {
        session: presence.session,
        who: presence.who,
        resource_id: drag.resource_id,
        start: parseInstant(drag.start_time),
        end: parseInstant(drag.end_time),
        booking_id: drag.booking_id ?? null,
      },
    ];
    this.#timers.set(
      presence.session,
      setTimeout(() => {
        this.receive({ ...presence, drag: null });
      }, GHOST_LIFETIME_MS),
    );
  }

  clear(): void {
    for (const session of [...this.#timers.keys()]) this.#forget(session);
    this.present.value = [];
  }

  #forget(session: string): void {
    clearTimeout(this.#timers.get(session));
    this.#timers.delete(session);
  }
}
