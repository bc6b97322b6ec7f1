/** A new booking is drawn, downwards or upwards from the row where the drag began, in that row's column. */

import type { Context, Draft, Gesture, Point } from './gesture';
import { Idle } from './idle';

export class Creating implements Gesture {
  readonly name = 'creating';
  readonly captures = true;

  private constructor(
    private readonly context: Context,
    private readonly anchor: { resource_id: number; start: number; end: number },
    readonly draft: Draft,
  ) {}

  static from(context: Context, origin: Point): Gesture {
    const day = context.surface.day();
    const resource = context.surface.resources()[context.surface.columns().indexAt(origin.x)];
    if (day === null || resource === undefined) return new Idle(context);
    const anchor = { resource_id: resource.id, ...day.row(day.rowAt(origin.y)) };
    return new Creating(context, anchor, { kind: 'create', record: null, inside: true, ...anchor });
  }

  onPress(): Gesture {
    return this.onCancel();
  }

  onMove(point: Point): Gesture {
    const day = this.context.surface.day();
    if (day === null) return this.onCancel();
    const row = day.row(day.rowAt(point.y));
    const start = Math.min(this.anchor.start, row.start);
    const end = Math.max(this.anchor.end, row.end);
    if (start === this.draft.start && end === this.draft.end && point.inside === this.draft.inside)
      return this;
    return new Creating(this.context, this.anchor, { ...this.draft, start, end, inside: point.inside });
  }

  onRelease(point: Point): Gesture {
    const last = this.onMove(point).draft;
    if (last?.inside === true) {
      this.context.effects.compose({ resource_id: last.resource_id, start: last.start, end: last.end });
    }
    return new Idle(this.context);
  }

  onCancel(): Gesture {
    return new Idle(this.context);
  }

  onHeld(): Gesture {
    return this;
  }

  onRemoteChange(): Gesture {
    // The cells may be taken now: the verdict says so, and the draft stays (G10).
    return this;
  }
}
