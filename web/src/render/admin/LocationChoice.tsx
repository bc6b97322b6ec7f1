/** Which location a page is about; all of them unless one is chosen. */

import type { JSX } from 'preact';

import type { Location } from '../../wire/readings';

interface Props {
  locations: readonly Location[];
  chosen: number | null;
  choose: (location: number | null) => void;
}

export function LocationChoice({ locations, chosen, choose }: Props): JSX.Element {
  return (
    <label class="field">
      <span class="field-label">Location</span>
      <select
        data-testid="location"
        value={chosen === null ? '' : String(chosen)}
        onChange={(event) => {
          const value = event.currentTarget.value;
          choose(value === '' ? null : Number(value));
        }}
      >
        <option value="">All locations</option>
        {locations.map((location) => (
          <option key={location.id} value={location.id}>
            {location.name}
          </option>
        ))}
      </select>
    </label>
  );
}
