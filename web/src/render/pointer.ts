/**
 * The browser's pointer events, told to the gestures in pixels of the grid's body. Belongs here: capture, what was hit,
 * scrolling by itself near the edges. Does not belong here: what a drag means (`gestures`).
 */

import { scrollVelocity } from '../gestures/autoscroll';
import type { Point, PointerKind, Target } from '../gestures/gesture';
import type { GestureMachine } from '../gestures/machine';

interface Parts {
  /** What scrolls. */
  readonly scroller: HTMLElement;
  /** The columns: their top left corner is (0, 0). */
  readonly body: HTMLElement;
  /** Pixels of the scroller that sticky headers cover. */
  readonly headers: () => { left: number; top: number };
  readonly machine: GestureMachine;
}

/** Listens until the returned function is called. */
export function followPointer({ scroller, body, headers, machine }: Parts): () => void {
  let last: { x: number; y: number } | null = null;
  let pressed: number | null = null;
  let frame = 0;
  let frameAt = 0;

  const visible = (): { left: number; top: number; right: number; bottom: number } => {
    const rect = scroller.getBoundingClientRect();
    const covered = headers();
    return {
      left: rect.left + covered.left,
      top: rect.top + covered.top,
      right: rect.left + scroller.clientWidth,
      bottom: rect.top + scroller.clientHeight,
    };
  };
  const pointAt = (x: number, y: number): Point => {
    const origin = body.getBoundingClientRect();
    const edge = visible();
    const inside = x >= edge.left && x < edge.right && y >= edge.top && y < edge.bottom;
    return { x: x - origin.left, y: y - origin.top, inside };
  };

  const scroll = (time: number): void => {
    frame = 0;
    if (last === null || !machine.captures) return;
    const seconds = Math.min(0.05, (time - frameAt) / 1000);
    frameAt = time;
    const edge = visible();
    const dx = scrollVelocity(last.x, edge.left, edge.right) * seconds;
    const dy = scrollVelocity(last.y, edge.top, edge.bottom) * seconds;
    if (dx !== 0 || dy !== 0) {
      scroller.scrollBy({ left: dx, top: dy, behavior: 'instant' });
      machine.move(pointAt(last.x, last.y));
    }
    frame = requestAnimationFrame(scroll);
  };

  const down = (event: PointerEvent): void => {
    if (event.button !== 0 || !(event.target instanceof Element)) return;
    const kind: PointerKind =
      event.pointerType === 'touch' ? 'touch' : event.pointerType === 'pen' ? 'pen' : 'mouse';
    // Scrollbars and sticky headers lie in the scroller too.
    const point = pointAt(event.clientX, event.clientY);
    if (!point.inside) return;
    if (kind === 'mouse') event.preventDefault();
    pressed = event.pointerId;
    last = { x: event.clientX, y: event.clientY };
    machine.press(point, targetOf(event.target), kind);
  };
  const move = (event: PointerEvent): void => {
    if (event.pointerId !== pressed) return;
    last = { x: event.clientX, y: event.clientY };
    machine.move(pointAt(event.clientX, event.clientY));
    if (!machine.captures) return;
    if (!scroller.hasPointerCapture(event.pointerId)) scroller.setPointerCapture(event.pointerId);
    if (frame === 0) {
      frameAt = performance.now();
      frame = requestAnimationFrame(scroll);
    }
  };
  const end = (): void => {
    pressed = null;
    last = null;
    cancelAnimationFrame(frame);
    frame = 0;
  };
  const up = (event: PointerEvent): void => {
    if (event.pointerId !== pressed) return;
    machine.release(pointAt(event.clientX, event.clientY));
    end();
  };
  const cancel = (event: PointerEvent): void => {
    if (event.pointerId !== pressed) return;
    machine.cancel();
    end();
  };
  const escape = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || pressed === null) return;
    machine.cancel();
    event.stopPropagation();
  };
  // A finger that drags a booking must not scroll; the browser asks this before it begins to.
  const touch = (event: TouchEvent): void => {
    if (machine.captures && event.cancelable) event.preventDefault();
  };
  const menu = (event: Event): void => {
    if (pressed !== null) event.preventDefault();
  };

  scroller.addEventListener('pointerdown', down);
  scroller.addEventListener('pointermove', move);
  window.addEventListener('pointerup', up);
  window.addEventListener('pointercancel', cancel);
  window.addEventListener('keydown', escape, true);
  scroller.addEventListener('touchmove', touch, { passive: false });
  scroller.addEventListener('contextmenu', menu);
  return () => {
    end();
    scroller.removeEventListener('pointerdown', down);
    scroller.removeEventListener('pointermove', move);
    window.removeEventListener('pointerup', up);
    window.removeEventListener('pointercancel', cancel);
    window.removeEventListener('keydown', escape, true);
    scroller.removeEventListener('touchmove', touch);
    scroller.removeEventListener('contextmenu', menu);
  };
}

function targetOf(element: Element): Target {
  const card = element.closest<HTMLElement>('[data-record-id]');
  const id = card?.dataset['recordId'];
  if (id === undefined) return { on: 'cell' };
  const part = element.closest<HTMLElement>('[data-part]')?.dataset['part'];
  return { on: 'record', id, part: part === 'start' || part === 'end' ? part : 'body' };
}
