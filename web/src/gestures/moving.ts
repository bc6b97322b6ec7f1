/**
 * A record is carried to another time or another bay. It keeps its elapsed length (T4), and hangs from the pointer by the
 * row it was gripped at.
 */

import type { GridRecord } from '../wire/messages';
import type { Context, Draft, Gesture, Point } from './gesture';
import { Idle } from './idle';

export class Moving implements Gesture {
  readonly name = 'moving';
  readonly captures = true;

  private constructor(
    private readonly context: Context,
    /** Seconds from the record's start to the row where it is held. */
    private readonly grip: number,
    readonly draft: Draft & { record: GridRecord },
  ) {}

  static from(context: Context, origin: Point, record: GridRecord): Gesture {
    const day = context.surface.day();
    if (day === null) return new Idle(context);
    const { resource_id, start, end } = record;
    const grip = day.row(day.rowAt(origin.y)).start - start;
    return new Moving(context, grip, { kind: 'move', record, resource_id, start, end, inside: true });
  }

  onPress(): Gesture {
    return this.onCancel();
  }

  onMove(point: Point): Gesture {
    const { surface } = this.context;
    const day = surface.day();
    if (day === null) return this.onCancel();
    const { record } = this.draft;
    const resource_id = surface.resources()[surface.columns().indexAt(point.x)]?.id ?? this.draft.resource_id;
    const start = day.row(day.rowAt(point.y)).start - this.grip;
    const end = start + (record.end - record.start);
    const same = resource_id === this.draft.resource_id && start === this.draft.start;
    if (same && point.inside === this.draft.inside) return this;
    return new Moving(this.context, this.grip, {
      ...this.draft,
      resource_id,
      start,
      end,
      inside: point.inside,
    });
  }

  onRelease(point: Point): Gesture {
    const last = this.onMove(point).draft;
    if (last?.inside === true && last.record !== null && differs(last, last.record)) {
      this.context.effects.drop(last.record, {
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
    const before = this.draft.record;
    if (id !== before.id) return this;
    if (record === null || differs(record, before)) {
      // Somebody else moved or removed what is in the hand: putting it down now would undo their work unseen.
      this.context.effects.overtaken(record ?? before, record === null);
      return this.onCancel();
    }
    return new Moving(this.context, this.grip, { ...this.draft, record });
  }
}

/** Whether two stand at different places. */
export function differs(
  one: { resource_id: number; start: number; end: number },
  other: { resource_id: number; start: number; end: number },
): boolean {
  return one.resource_id !== other.resource_id || one.start !== other.start || one.end !== other.end;
}
