/** What customers keep being refused, most often first (R22). */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { readPatterns } from '../../wire/admin';
import { readLocations } from '../../wire/readings';
import { LocationChoice } from './LocationChoice';
import { hourOfWeek, moment } from './moments';
import { More, ReadingState, useListing, useReading } from './reading';

export function Refusals(): JSX.Element {
  const [location, setLocation] = useState<number | null>(null);
  const locations = useReading('locations', readLocations);
  const patterns = useListing(`patterns ${String(location)}`, (cursor) => readPatterns(location, cursor));
  const name = (id: number): string =>
    locations.answer?.find((each) => each.id === id)?.name ?? `Location ${String(id)}`;
  return (
    <div class="office-column office-full">
      <h1>Refusals</h1>
      <div class="office-form">
        <LocationChoice locations={locations.answer ?? []} chosen={location} choose={setLocation} />
      </div>
      <ReadingState
        of={patterns}
        empty={patterns.answer?.length === 0 ? 'Nobody was refused anything in the last 30 days.' : null}
      >
        {patterns.answer !== null && patterns.answer.length > 0 && (
          <div class="office-scroll" tabIndex={0} role="region" aria-label="Refusals of the last 30 days">
            <table class="office-table">
              <thead>
                <tr>
                  <th scope="col" class="number">
                    Times
                  </th>
                  <th scope="col">Refused because</th>
                  <th scope="col">Whose</th>
                  <th scope="col">Asked for</th>
                  <th scope="col">Last</th>
                </tr>
              </thead>
              <tbody>
                {patterns.answer.map((pattern, index) => (
                  <tr key={index} data-testid="pattern">
                    <td class="number">{pattern.frequency}</td>
                    <td>
                      {pattern.last_context.violations.map((each) => each.message).join(' ')}
                      <span class="office-quiet"> {pattern.rule}</span>
                    </td>
                    <td>
                      {pattern.user_id === null ? pattern.subject : `Account ${String(pattern.user_id)}`}
                    </td>
                    <td>
                      {hourOfWeek(pattern.hour_of_week)}, {name(pattern.location_id)}
                    </td>
                    <td>{moment(pattern.last_seen_at)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </ReadingState>
      <More listing={patterns} />
    </div>
  );
}
