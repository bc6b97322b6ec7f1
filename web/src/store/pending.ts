/**
 * Changes of our own that the grid shows before the server has said so (W4), each under its idempotency key. An overlay
 * is drawn over the records until its answer comes: an `ack` makes it stand until the diff of its version has arrived, a
 * `nak` takes it away. Does not belong here: sending (`wire/commands`), wording (`changes`).
 */

import { computed, signal, type ReadonlySignal } from '@preact/signals';

import type { GridRecord } from '../wire/messages';

export type Certainty = 'confirmed' | 'pending' | 'unknown';

export interface Overlay {
  readonly key: string;
  /** The record that it replaces or takes away; null for a new one. */
  readonly replaces: string | null;
  /** What is drawn instead; null for a cancellation that was acknowledged. */
  readonly drawn: GridRecord | null;
  readonly certainty: Certainty;
  /** Once acknowledged: the version whose arrival makes the overlay superfluous. */
  readonly until: number | null;
}

/** A record as it is to be drawn. */
export interface DrawnRecord {
  readonly record: GridRecord;
  readonly certainty: Certainty;
}

export class Pending {
  /** In the order in which the changes were made; the last overlay of a record counts. */
  readonly overlays = signal<readonly Overlay[]>([]);

  begin(key: string, replaces: string | null, drawn: GridRecord | null): void {
    this.overlays.value = [
      ...this.overlays.value,
      { key, replaces, drawn, certainty: 'pending', until: null },
    ];
  }

  /** The answer is late: drawn as not known yet. */
  doubt(key: string): void {
    this.#replace(key, (overlay) => ({ ...overlay, certainty: 'unknown' }));
  }

  /** Accepted: `drawn` stands as confirmed until `version` arrives; null where there is nothing more to draw. */
  confirm(key: string, version: number, drawn: GridRecord | null): void {
    this.#replace(key, (overlay) => ({ ...overlay, drawn, certainty: 'confirmed', until: version }));
  }

  /** Refused, or superfluous: the grid shows what it showed without the change. */
  drop(key: string): void {
    this.overlays.value = this.overlays.value.filter((overlay) => overlay.key !== key);
  }

  /** The grid has reached a version: overlays that waited for it go. */
  reached(version: number): void {
    const left = this.overlays.value.filter((overlay) => overlay.until === null || overlay.until > version);
    if (left.length !== this.overlays.value.length) this.overlays.value = left;
  }

  /** Whether a change of the record has no answer yet. */
  isPending(id: string): boolean {
    return this.overlays.value.some(
      (overlay) => overlay.until === null && (overlay.replaces === id || overlay.drawn?.id === id),
    );
  }

  /** Whether a change of the record is ours, and the grid has not yet caught up with it. */
  isOurs(id: string): boolean {
    return this.overlays.value.some((overlay) => overlay.replaces === id || overlay.drawn?.id === id);
  }

  /** The version that an acknowledged change of the record will arrive with; null where none waits for its diff. */
  acknowledged(id: string): number | null {
    return this.overlays.value.findLast((overlay) => overlay.replaces === id)?.until ?? null;
  }

  clear(): void {
    this.overlays.value = [];
  }

  /**
   * A column of `records` with the overlays laid over it. A column that no overlay touches keeps its identity, so that it
   * is not painted again because of a change somewhere else.
   */
  over(
    resourceId: number,
    records: ReadonlySignal<readonly GridRecord[]>,
  ): ReadonlySignal<readonly DrawnRecord[]> {
    const confirmed = computed(() =>
      records.value.map((record): DrawnRecord => ({ record, certainty: 'confirmed' })),
    );
    return computed(() => {
      const overlays = this.overlays.value;
      const base = confirmed.value;
      if (overlays.length === 0) return base;
      const latest = new Map<string, Overlay>();
      for (const overlay of overlays) latest.set(overlay.replaces ?? overlay.key, overlay);
      const kept = base.filter((drawn) => !latest.has(drawn.record.id));
      const added = [...latest.values()].flatMap((overlay) =>
        overlay.drawn?.resource_id === resourceId &&
        !kept.some((drawn) => drawn.record.id === overlay.drawn?.id)
          ? [{ record: overlay.drawn, certainty: overlay.certainty }]
          : [],
      );
      if (added.length === 0 && kept.length === base.length) return base;
      return [...kept, ...added].sort((left, right) => left.record.start - right.record.start);
    });
  }

  #replace(key: string, change: (overlay: Overlay) => Overlay): void {
    this.overlays.value = this.overlays.value.map((overlay) =>
      overlay.key === key ? change(overlay) : overlay,
    );
  }
}
