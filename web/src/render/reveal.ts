/**
 * Keeps in sight what a form or a panel is about: opening one takes room from the grid, on a phone most of it. Belongs
 * here: scrolling just as far as needed. Does not belong here: the keyboard's cell (`GridView`).
 */

const MARGIN = 8;

/** Scrolls so that the open card or draft lies beside the panel, or above the sheet; not at all if it does already. */
export function revealSubject(scroller: HTMLElement, head: number): void {
  const subject = scroller.querySelector('[data-testid=draft], .card[data-opened]');
  if (subject === null) return;
  const sheet = document.querySelector('.composer, .panel')?.getBoundingClientRect();
  const sight = scroller.getBoundingClientRect();
  const box = subject.getBoundingClientRect();
  const isBelow = sheet !== undefined && sheet.left <= sight.left && sheet.right >= sight.right;
  // By its height: its top is not there yet while it rises.
  const bottom = isBelow ? Math.min(sight.bottom, window.innerHeight - sheet.height) : sight.bottom;
  const top = sight.top + head;
  const right = box.right - sight.left - scroller.clientWidth;
  if (right > 0) scroller.scrollLeft += right;
  // The beginning matters more than the end, where both cannot be seen. Beside a panel, nothing moves up or down.
  if (isBelow && box.bottom + MARGIN > bottom)
    scroller.scrollTop += Math.min(box.bottom + MARGIN - bottom, Math.max(0, box.top - MARGIN - top));
}
