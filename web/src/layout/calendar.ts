/**
 * Dates as names of days, `YYYY-MM-DD`, and how they are written for people. Pure calendar: no zone is involved.
 * Does not belong here: which instants a day holds (the server says), times of day (`labels`).
 */

const FIRST_DATE = '0001-01-01';
const LAST_DATE = '9999-12-31';

/** The date so many days later (or, below zero, earlier), or the calendar's first or last where it would lie beyond. */
export function shiftDate(date: string, days: number): string {
  const midnight = new Date(`${date}T00:00:00Z`);
  midnight.setUTCDate(midnight.getUTCDate() + days);
  if (midnight.getUTCFullYear() < 1) return FIRST_DATE;
  if (midnight.getUTCFullYear() > 9999) return LAST_DATE;
  return midnight.toISOString().slice(0, 10);
}

export function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));
}

/** `Sunday 22 November 2026`, or shorter. */
export function dateLabel(date: string, style: 'long' | 'short' = 'long'): string {
  const long = style === 'long';
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: 'UTC',
    weekday: long ? 'long' : 'short',
    day: 'numeric',
    month: long ? 'long' : 'short',
    ...(long ? { year: 'numeric' } : {}),
  })
    .format(new Date(`${date}T00:00:00Z`))
    .replace(',', '');
}
