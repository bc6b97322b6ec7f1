/** Instants of the API (RFC 3339) in words, in the zone that matters: a location's, or the reader's own. */

import { durationLabel } from '../../layout/labels';

/** `Tue 24 Nov 2026, 14:30`. */
export function moment(time: string, timezone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    ...(timezone === undefined ? {} : { timeZone: timezone }),
  })
    .format(new Date(time))
    .replace(',', '');
}

/** `Tue 24 Nov 2026, 14:30 – 16:00`. */
export function span(start: string, end: string, timezone: string): string {
  const ends = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: timezone });
  return `${moment(start, timezone)} – ${ends.format(new Date(end))}`;
}

/** `in 3 d`, `in 1 h 20 min`, `now`: how long until something that so many seconds lie before. */
export function until(seconds: number): string {
  if (seconds <= 0) return 'now';
  const days = Math.floor(seconds / 86_400);
  return days >= 2 ? `in ${String(days)} days` : `in ${durationLabel(seconds)}`;
}

/** `Mon 19:00` of an hour counted from Monday's first. */
export function hourOfWeek(hour: number): string {
  const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  return `${days[Math.floor(hour / 24)] ?? ''} ${String(hour % 24).padStart(2, '0')}:00`;
}
