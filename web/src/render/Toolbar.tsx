/** The bar above the grid: where, when, how fresh, and who. */

import type { JSX } from 'preact';

import { dateLabel, isDate, shiftDate } from '../layout/calendar';
import { ConnectionBadge } from './ConnectionBadge';
import { useDesk } from './desk';
import { Icon } from './icons';
import { ThemeToggle, type ThemeChoice } from './ThemeToggle';

export function Toolbar({ theme }: { theme: ThemeChoice }): JSX.Element {
  const desk = useDesk();
  return (
    <header class="toolbar">
      <div class="toolbar-where">
        <h1 class="brand">
          <BrandMark />
          <span class="brand-name">Baygrid</span>
        </h1>
        <LocationSwitcher />
      </div>
      <DaySwitcher />
      <div class="toolbar-who">
        {desk.location.value !== null && !desk.worksHere.value && <span class="tag">View only</span>}
        <ConnectionBadge />
        <a class="icon-button" href="/admin" title="Back office" aria-label="Back office">
          <Icon name="chart" />
        </a>
        <button
          type="button"
          class="icon-button wide-only"
          title="Keys (?)"
          aria-label="Keyboard keys"
          onClick={() => {
            desk.question.value = { ask: 'keys' };
          }}
        >
          <Icon name="keyboard" />
        </button>
        <ThemeToggle theme={theme} />
        <button
          type="button"
          class="icon-button"
          title={`Sign out ${desk.me.name}`}
          aria-label={`Sign out ${desk.me.name}`}
          onClick={desk.signOut}
        >
          <Icon name="leave" />
        </button>
      </div>
    </header>
  );
}

export function BrandMark(): JSX.Element {
  return (
    <svg class="brand-mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden>
      <rect x="1" y="1" width="5" height="18" rx="1.6" fill="currentColor" opacity=".28" />
      <rect x="7.5" y="1" width="5" height="18" rx="1.6" fill="currentColor" opacity=".28" />
      <rect x="14" y="1" width="5" height="18" rx="1.6" fill="currentColor" opacity=".28" />
      <rect x="1" y="4" width="5" height="7" rx="1.6" fill="currentColor" />
      <rect x="7.5" y="9" width="5" height="8" rx="1.6" fill="currentColor" />
      <rect x="14" y="2" width="5" height="5" rx="1.6" fill="currentColor" />
    </svg>
  );
}

function LocationSwitcher(): JSX.Element | null {
  const desk = useDesk();
  const chosen = desk.location.value;
  if (chosen === null) return null;
  return (
    <label class="location">
      <span class="visually-hidden">Location</span>
      <select
        data-testid="location"
        value={chosen.id}
        onChange={(event) => {
          desk.show(Number(event.currentTarget.value));
        }}
      >
        {desk.locations.value.map((location) => (
          <option key={location.id} value={location.id}>
            {location.name}
          </option>
        ))}
      </select>
      <Icon name="down" />
    </label>
  );
}

function DaySwitcher(): JSX.Element {
  const desk = useDesk();
  const date = desk.date.value;
  const today = desk.today.value;
  const compact = desk.compact.value;
  return (
    <nav class="days" aria-label="Day">
      <button
        type="button"
        class="icon-button"
        aria-label="Previous day"
        title="Previous day ([)"
        onClick={() => {
          desk.look(shiftDate(date, -1));
        }}
      >
        <Icon name="left" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label="Next day"
        title="Next day (])"
        onClick={() => {
          desk.look(shiftDate(date, 1));
        }}
      >
        <Icon name="right" />
      </button>
      <label class="day-label">
        <span class="day-text" data-testid="day" data-date={date}>
          {dateLabel(date, compact ? 'short' : 'long')}
        </span>
        <Icon name="down" />
        <input
          type="date"
          aria-label="Date"
          value={date}
          onClick={(event) => {
            // The whole label opens the calendar, not the browser's small button alone.
            if ('showPicker' in event.currentTarget) event.currentTarget.showPicker();
          }}
          onChange={(event) => {
            const typed = event.currentTarget.value;
            // While a year is typed it is the year 2, 20 and 202 first: those wait until the field is left.
            if (isDate(typed) && typed >= '1000') desk.look(typed);
          }}
          onBlur={(event) => {
            const typed = event.currentTarget.value;
            if (isDate(typed) && typed !== date) desk.look(typed);
          }}
        />
      </label>
      <button
        type="button"
        class="quiet-button"
        disabled={date === today}
        title="Today (T)"
        onClick={() => {
          desk.look(today);
        }}
      >
        Today
      </button>
    </nav>
  );
}
