/** How the time of locations was used: the figures of a period, drawn, told one by one, and to take away (Y1, Y2). */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { isDate, shiftDate } from '../../layout/calendar';
import {
  GROUPINGS,
  readReport,
  reportAddress,
  type Figures,
  type Grouping,
  type Report,
  type ReportQuestion,
} from '../../wire/admin';
import { readLocations, type Location } from '../../wire/readings';
import { BarChart } from './BarChart';
import { count, hours, leadTime, nameOf, percent } from './figures';
import { LocationChoice } from './LocationChoice';
import { ReadingState, useReading } from './reading';

const GROUPING_WORDS: Readonly<Record<Grouping, string>> = {
  day: 'Day',
  weekday: 'Weekday',
  hour: 'Hour of the day',
  resource: 'Bay',
  location: 'Location',
};
const DAYS = 28;

export function Analytics(): JSX.Element {
  const [question, setQuestion] = useState<ReportQuestion>(() => {
    const today = new Date().toISOString().slice(0, 10);
    return { location: null, from: shiftDate(today, -DAYS), to: shiftDate(today, 1), grouping: 'day' };
  });
  const locations = useReading('locations', readLocations);
  const report = useReading(JSON.stringify(question), () => readReport(question));
  return (
    <div class="office-column office-full">
      <h1>Analytics</h1>
      <Asking question={question} locations={locations.answer ?? []} ask={setQuestion} />
      <ReadingState of={report}>
        {report.answer !== null && <ReportView report={report.answer} locations={locations.answer ?? []} />}
      </ReadingState>
    </div>
  );
}

interface AskingProps {
  question: ReportQuestion;
  locations: readonly Location[];
  ask: (question: ReportQuestion) => void;
}

/** Periods are asked for by their last day; the API is told the day after it. */
function Asking({ question, locations, ask }: AskingProps): JSX.Element {
  const date = (name: 'from' | 'to', typed: string): void => {
    if (!isDate(typed) || typed < '1000') return;
    ask({ ...question, [name]: name === 'to' ? shiftDate(typed, 1) : typed });
  };
  return (
    <form
      class="office-form"
      aria-label="What to report on"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <LocationChoice
        locations={locations}
        chosen={question.location}
        choose={(location) => {
          ask({ ...question, location });
        }}
      />
      <label class="field">
        <span class="field-label">From</span>
        <input
          type="date"
          required
          value={question.from}
          onChange={(event) => {
            date('from', event.currentTarget.value);
          }}
        />
      </label>
      <label class="field">
        <span class="field-label">Until</span>
        <input
          type="date"
          required
          value={shiftDate(question.to, -1)}
          onChange={(event) => {
            date('to', event.currentTarget.value);
          }}
        />
      </label>
      <label class="field">
        <span class="field-label">By</span>
        <select
          data-testid="grouping"
          value={question.grouping}
          onChange={(event) => {
            const chosen = GROUPINGS.find((each) => each === event.currentTarget.value);
            if (chosen !== undefined) ask({ ...question, grouping: chosen });
          }}
        >
          {GROUPINGS.map((each) => (
            <option key={each} value={each}>
              {GROUPING_WORDS[each]}
            </option>
          ))}
        </select>
      </label>
      <a class="quiet-button" href={reportAddress(question, 'csv')} download data-testid="csv">
        Download CSV
      </a>
    </form>
  );
}

function ReportView({ report, locations }: { report: Report; locations: readonly Location[] }): JSX.Element {
  const location = (id: number): string | null =>
    locations.length === 1 ? null : (locations.find((each) => each.id === id)?.name ?? null);
  const items = report.items.map((item) => ({
    ...item,
    ...nameOf(item, report.group_by, location),
    peak: report.peaks.includes(item.key),
  }));
  return (
    <>
      <Totals totals={report.totals} />
      <BarChart
        title={`Utilisation by ${GROUPING_WORDS[report.group_by].toLowerCase()}`}
        items={items.map((item) => ({
          key: String(item.key),
          label: item.short,
          share: item.utilisation,
          told: `${item.full}: ${percent(item.utilisation)}, ${hours(item.booked_minutes)} booked`,
          peak: item.peak,
        }))}
      />
      <div class="office-scroll" tabIndex={0} role="region" aria-label="Figures one by one">
        <table class="office-table">
          <thead>
            <tr>
              <th scope="col">{GROUPING_WORDS[report.group_by]}</th>
              {FIGURES.map(({ title }) => (
                <th key={title} scope="col" class="number">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.key} data-testid="figures">
                <th scope="row">
                  {item.full}
                  {item.peak && <span class="tag">Peak</span>}
                </th>
                {FIGURES.map(({ title, words }) => (
                  <td key={title} class="number">
                    {words(item)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const FIGURES: readonly { title: string; words: (figures: Figures) => string }[] = [
  { title: 'Utilisation', words: (figures) => percent(figures.utilisation) },
  { title: 'Booked', words: (figures) => hours(figures.booked_minutes) },
  { title: 'Open', words: (figures) => hours(figures.open_minutes) },
  { title: 'Blocked', words: (figures) => hours(figures.blocked_minutes) },
  { title: 'Bookings', words: (figures) => count(figures.bookings) },
  { title: 'Cancelled', words: (figures) => count(figures.cancellations) },
  { title: 'No-shows', words: (figures) => count(figures.no_shows) },
  { title: 'Lead time', words: (figures) => leadTime(figures.lead_time_minutes) },
];

function Totals({ totals }: { totals: Figures }): JSX.Element {
  const late = totals.late_cancellations;
  const tiles = [
    ['Utilisation', percent(totals.utilisation), `${hours(totals.booked_minutes)} booked`],
    ['Bookings', count(totals.bookings), `${count(totals.attended)} checked in`],
    ['Cancelled', count(totals.cancellations), `${count(late)} within a day of the start`],
    ['No-shows', count(totals.no_shows), `${hours(totals.no_show_minutes)} kept free for nobody`],
    ['Lead time', leadTime(totals.lead_time_minutes), 'on average'],
  ] as const;
  return (
    <dl class="tiles">
      {tiles.map(([title, figure, beside]) => (
        <div key={title} class="tile" data-testid="tile">
          <dt>{title}</dt>
          <dd>
            <strong>{figure}</strong>
            <span>{beside}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
