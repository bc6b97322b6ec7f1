/** The few drawings of the app, all on a grid of 16, taking the colour of the text beside them. */

import type { JSX } from 'preact';

const PATHS = {
  left: 'M10 3.5 5.5 8l4.5 4.5',
  right: 'M6 3.5 10.5 8 6 12.5',
  down: 'm4 6.5 4 4 4-4',
  close: 'm4 4 8 8m0-8-8 8',
  check: 'm3.5 8.5 3 3 6-7',
  alert: 'M8 2.2 14.3 13H1.7L8 2.2ZM8 6.5v3m0 1.6v.2',
  block: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM3.9 3.9l8.2 8.2',
  clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 3v3.2l2.2 1.4',
  note: 'M3.5 3.5h9v7l-2.5 2.5H3.5v-9.5Zm2.5 3h4m-4 2.5h2.5',
  search: 'M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4Zm3.1 7.3 3.1 3.1',
  person: 'M8 2.6a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2ZM3 13.4c.5-2.4 2.4-3.7 5-3.7s4.5 1.3 5 3.7',
  moon: 'M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6Z',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6ZM8 1.5v1.2m0 10.6v1.2M1.5 8h1.2m10.6 0h1.2M3.4 3.4l.9.9m7.4 7.4.9.9m0-9.2-.9.9m-7.4 7.4-.9.9',
  half: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 0v12M8 5l4.5-1M8 8.5l6-1.3M8 12l4.3-1',
  keyboard: 'M1.5 4.5h13v7h-13v-7Zm2.5 2.3h.1m2.6 0h.1m2.6 0h.1m2.5 0h.1M5 9.4h6',
  chart: 'M2.5 13.5h11M4.5 11V8m3.5 3V3.5M11.5 11V6',
  leave: 'M6.5 2.5h-4v11h4M6 8h8m-2.8-2.8L14 8l-2.8 2.8',
  later: 'M8 3.5v9M4.5 9 8 12.5 11.5 9',
  up: 'M8 12.5v-9M4.5 7 8 3.5 11.5 7',
} as const;

export function Icon({ name, label }: { name: keyof typeof PATHS; label?: string }): JSX.Element {
  return (
    <svg
      class="icon"
      viewBox="0 0 16 16"
      width="16"
      height="16"
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    >
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
