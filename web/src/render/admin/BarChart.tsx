/** A chart of shares: bars over a scale, readable one by one; the table beside it says the same to who cannot see it. */

import type { JSX } from 'preact';

import { barsOf, topOf, writtenLabels } from '../../layout/bars';
import { percent } from './figures';

const HEIGHT = 180;
const LABELS = 12;
const LINES = [0, 0.25, 0.5, 0.75, 1];

export interface Charted {
  key: string;
  label: string;
  /** Null where there was nothing to have a share of. */
  share: number | null;
  /** What the bar says when it is pointed at. */
  told: string;
  peak: boolean;
}

export function BarChart({ title, items }: { title: string; items: readonly Charted[] }): JSX.Element {
  const shares = items.map((item) => item.share);
  const top = topOf(shares);
  const bars = barsOf(shares, top);
  const written = writtenLabels(items.length, LABELS);
  return (
    <figure class="chart" aria-label={title} data-testid="chart">
      <svg class="chart-bars" width="100%" height={HEIGHT} aria-hidden>
        {LINES.map((line) => (
          <line
            key={line}
            class="chart-line"
            x1="0"
            x2="100%"
            y1={shareOf(1 - line)}
            y2={shareOf(1 - line)}
          />
        ))}
        {items.map((item, index) => {
          const bar = bars[index];
          if (bar === undefined) return null;
          const height = bar.height ?? 0;
          return (
            <g key={item.key} data-testid="bar" data-key={item.key} data-share={String(item.share ?? '')}>
              <title>{item.told}</title>
              {/* The whole column answers to the pointer: a low bar is hard to hit. */}
              <rect
                class="chart-column"
                x={shareOf(index / items.length)}
                width={shareOf(1 / items.length)}
                y="0"
                height="100%"
              />
              <rect
                class={item.peak ? 'chart-bar peak' : 'chart-bar'}
                x={shareOf(bar.left)}
                width={shareOf(bar.width)}
                y={shareOf(1 - height)}
                height={shareOf(height)}
                rx="2"
              />
            </g>
          );
        })}
      </svg>
      <div class="chart-scale" aria-hidden>
        <span>{percent(top)}</span>
        <span>{percent(top / 2)}</span>
        <span>0%</span>
      </div>
      <div class="chart-labels" aria-hidden>
        {items.map((item, index) => (
          <span key={item.key} style={{ left: shareOf((index + 0.5) / items.length) }}>
            {written(index) ? item.label : ''}
          </span>
        ))}
      </div>
    </figure>
  );
}

function shareOf(share: number): string {
  return `${String(Math.round(share * 10_000) / 100)}%`;
}
