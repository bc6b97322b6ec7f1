/** A record's start or end is pulled to another row; the other end stays, and one slot is the least that is left. */

import type { GridRecord } from '../wire/messages';
import type { Context, Draft, Gesture, Point } from './gesture';
import { Idle } from './idle';
import { differs } from './moving';

export class Resizing implements Gesture {
  readonly name = 'resizing';
  readonly captures = true;
  readonly draft: Draft;

  constructor(
    private readonly context: Context,
    private readonly record: GridRecord,
    private readonly edge: 'start' | 'end',
    draft: Draft | null,
  ) {
    const { resource_id, start, end } = record;
    this.draft = draft ?? { kind: 'resize', record, resource_id, start, end, inside: true };
  }

  onPress(): Gesture {
    return this.onCancel();
  }

  onMove(point: Point): Gesture {
    const day = this.context.surface.day();
    if (day === null) return this.onCancel();
    const row = day.row(day.rowAt(point.y));
    const { start, end } = this.record;
    // On a grid of one's own making (R4 may be overridden) the fixed end can lie inside a row: keep the interval whole.
    const pulled =
      this.edge === 'end'
        ? { start, end: row.end > start ? row.end : this.draft.end }
        : { start: row.start < end ? row.start : this.draft.start, end };
    if (
      pulled.start === this.draft.start &&
      pulled.end === this.draft.end &&
      point.inside === this.draft.inside
    )
      return this;
    return this.#with({ ...this.draft, ...pulled, inside: point.inside });
  }

  onRelease(point: Point): Gesture {
    const last = this.onMove(point).draft;
    if (last?.inside === true && differs(last, this.record)) {
      this.context.effects.drop(this.record, {
        resource_id: last.resource_id,
        start: last.start,
        end: last.end,
      });
    }
    return new Idle(this.context);
  }

  onCancel(): Gesture {
    return new Idle(this.context);
  }

  onHeld(): Gesture {
    return this;
  }

  onRemoteChange(id: string, record: GridRecord | null): Gesture {
    if (id !== this.record.id) return this;
    if (record === null || differs(record, this.record)) {
      this.context.effects.overtaken(record ?? this.record, record === null);
      return this.onCancel();
    }
    return new Resizing(this.context, record, this.edge, { ...this.draft, record });
  }

  #with(draft: Draft): Gesture {
    return new Resizing(this.context, this.record, this.edge, draft);
  }
}
