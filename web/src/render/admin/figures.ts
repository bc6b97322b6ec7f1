/** Figures of a report in words: shares, hours and names. */

import { dateLabel } from '../../layout/calendar';
import { durationLabel } from '../../layout/labels';
import type { FiguresItem, Grouping } from '../../wire/admin';

/** `41%`; a dash where there is no share of nothing. */
export function percent(share: number | null): string {
  if (share === null) return '–';
  return new Intl.NumberFormat('en-GB', {
    style: 'percent',
    maximumFractionDigits: share !== 0 && share < 0.1 ? 1 : 0,
  }).format(share);
}

/** `1,204 h`, or `1 h 30 min` of little. */
export function hours(minutes: number): string {
  if (minutes === 0) return '0 h';
  if (minutes < 600) return durationLabel(minutes * 60);
  return `${count(Math.round(minutes / 60))} h`;
}

export function count(number: number): string {
  return new Intl.NumberFormat('en-GB').format(number);
}

/** `3 d`, or hours of less: how long before its start something was booked. */
export function leadTime(minutes: number | null): string {
  if (minutes === null) return '–';
  return minutes >= 2880 ? `${String(Math.round(minutes / 144) / 10)} days` : durationLabel(minutes * 60);
}

const WEEKDAYS: Readonly<Record<string, string>> = {
  mon: 'Monday',
  tue: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
};

/** What an item is called in full, and in little space. */
export function nameOf(
  item: FiguresItem,
  grouping: Grouping,
  location: (id: number) => string | null,
): { full: string; short: string } {
  const key = String(item.key);
  switch (grouping) {
    case 'day':
      return {
        full: dateLabel(key),
        short: `${String(Number(key.slice(8)))}/${String(Number(key.slice(5, 7)))}`,
      };
    case 'weekday':
      return { full: WEEKDAYS[key] ?? key, short: (WEEKDAYS[key] ?? key).slice(0, 3) };
    case 'hour':
      return { full: `${key.padStart(2, '0')}:00`, short: key.padStart(2, '0') };
    case 'resource': {
      const name = item.name ?? key;
      const place = item.location_id === null ? null : location(item.location_id);
      return { full: place === null ? name : `${name}, ${place}`, short: name };
    }
    case 'location':
      return { full: item.name ?? key, short: item.name ?? key };
  }
}
