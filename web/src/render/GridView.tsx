/**
 * The day's grid: sticky heads, the columns in sight, and what lies over them. Belongs here: scrolling, sizes, focus and
 * the grid's roles. Does not belong here: what a press or a key does (`gestures`), a column's contents (`GridCell`).
 */

import { effect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { fitColumns, PHONE_WIDTH } from '../layout/columns';
import type { Resource } from '../wire/messages';
import { BayHeader } from './BayHeader';
import { Blackouts } from './Blackouts';
import { ColumnWindow } from './columnWindow';
import { CursorMark } from './CursorMark';
import { useDesk } from './desk';
import { cellId } from './GridCell';
import { ColleagueGhosts, DraftGhost, NowLabel, NowLine } from './Overlays';
import { followPointer } from './pointer';
import { revealSubject } from './reveal';
import { Row } from './Row';

/** Must agree with `--time-width` and `--head-height` in `styles/grid.css`. */
const TIME_WIDTH = 60;
const HEAD_HEIGHT = 48;
/** How much of the day before now stays in sight when the grid opens. */
const CONTEXT_SECONDS = 75 * 60;
const MORNING_SHARE = 8 / 24;
/** A row's label stands half above its line. */
const LABEL_CLEARANCE = 10;

const NONE: readonly Resource[] = [];

export function GridView(): JSX.Element {
  const desk = useDesk();
  const scroller = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const [columnWindow, setColumnWindow] = useState<ColumnWindow | null>(null);

  const resources = desk.grid.frame.value?.resources ?? NONE;
  const day = desk.day.value;
  const columns = desk.columns.value;
  const shown = day !== null;

  useEffect(() => {
    if (scroller.current === null || body.current === null) return;
    const created = new ColumnWindow(scroller.current);
    setColumnWindow(created);
    const stop = followPointer({
      scroller: scroller.current,
      body: body.current,
      headers: () => ({ left: TIME_WIDTH, top: HEAD_HEIGHT }),
      machine: desk.machine,
    });
    return () => {
      stop();
      created.unmount();
    };
  }, [desk]);

  // Columns are as wide as the whole desk allows, so that opening the panel moves nothing under the pointer.
  useLayoutEffect(() => {
    const outer = scroller.current?.closest('.stage');
    if (outer === null || outer === undefined) return;
    const fit = (): void => {
      desk.compact.value = window.innerWidth < PHONE_WIDTH;
      desk.columns.value = fitColumns(
        resources.length,
        outer.clientWidth - TIME_WIDTH - scrollbarWidth(scroller.current),
        window.innerWidth,
      );
    };
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(outer);
    return () => {
      observer.disconnect();
    };
  }, [desk, resources.length]);

  useLayoutEffect(() => {
    columnWindow?.update(columns, TIME_WIDTH);
  }, [columnWindow, columns]);

  useLayoutEffect(() => {
    const now = desk.clock.read();
    const layout = desk.day.peek();
    if (layout === null || scroller.current === null) return;
    const y = layout.contains(now) ? layout.yOf(now - CONTEXT_SECONDS) : layout.height * MORNING_SHARE;
    scroller.current.scrollTop = y - LABEL_CLEARANCE;
    desk.keyboard.place(
      desk.keyboard.cell.peek().column,
      layout.rowOf(layout.contains(now) ? now : layout.start + (layout.end - layout.start) * MORNING_SHARE),
    );
  }, [desk, shown, desk.location.value?.id, desk.date.value]);

  const composing = desk.composing.value;
  const opened = desk.opened.value;
  useEffect(() => {
    if (composing === null && opened === null) return;
    // Told of the panel's size once it has taken its room, and again when what it reads makes it grow.
    const observer = new ResizeObserver(() => {
      if (scroller.current !== null) revealSubject(scroller.current, HEAD_HEIGHT);
    });
    for (const sheet of document.querySelectorAll('.composer, .panel')) observer.observe(sheet);
    return () => {
      observer.disconnect();
    };
  }, [composing, opened]);

  // The keyboard's cell stays in sight, clear of the sticky heads.
  useEffect(() => {
    let first = true;
    return effect(() => {
      const { column, row } = desk.keyboard.cell.value;
      const element = scroller.current;
      const layout = desk.day.peek();
      if (first || element === null || layout === null || desk.machine.draft.peek() !== null) {
        first = false;
        return;
      }
      columnWindow?.reveal(column);
      const top = layout.top(row);
      const bottom = layout.top(row + 1);
      if (top < element.scrollTop) element.scrollTop = top;
      else if (bottom > element.scrollTop + element.clientHeight - HEAD_HEIGHT)
        element.scrollTop = bottom - element.clientHeight + HEAD_HEIGHT;
    });
  }, [desk, columnWindow]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.metaKey) return;
    if (event.ctrlKey && event.key !== 'Home' && event.key !== 'End') return;
    if (desk.keyboard.press({ key: event.key, shift: event.shiftKey, control: event.ctrlKey }))
      event.preventDefault();
  };

  const visible = columnWindow?.visible.value ?? [];
  const { column, row } = desk.keyboard.cell.value;
  const active = resources[column];
  return (
    <div class="grid-frame">
      <div class="grid-scroll" ref={scroller} data-testid="grid-scroll">
        <div
          class="grid"
          role="grid"
          tabIndex={0}
          aria-label={`Bookings of ${desk.location.value?.name ?? ''}`}
          aria-rowcount={(day?.rowCount ?? 0) + 1}
          aria-colcount={resources.length + 1}
          aria-multiselectable
          aria-busy={!shown}
          {...(active === undefined ? {} : { 'aria-activedescendant': cellId(active.id, row) })}
          style={{ width: `${String(columns.total + TIME_WIDTH)}px` }}
          onKeyDown={onKeyDown}
        >
          <div class="grid-head" role="row" aria-rowindex={1}>
            <div class="corner" role="columnheader" aria-colindex={1}>
              <span class="visually-hidden">Time</span>
              <ZoneLetters />
            </div>
            {visible.map((index) => {
              const resource = resources[index];
              return (
                resource !== undefined && (
                  <BayHeader
                    key={resource.id}
                    resource={resource}
                    index={index}
                    x={TIME_WIDTH + columns.x(index)}
                    width={columns.width}
                  />
                )
              );
            })}
          </div>
          <div class="grid-body" role="rowgroup" style={{ height: `${String(day?.height ?? 0)}px` }}>
            {Array.from({ length: day?.rowCount ?? 0 }, (_, row) => (
              <Row key={row} row={row} visible={visible} resources={resources} />
            ))}
          </div>
          <div class="overlays" aria-hidden>
            <div class="gutter">
              <NowLabel />
            </div>
            <div class="columns" ref={body} style={{ width: `${String(columns.total)}px` }}>
              <Blackouts visible={visible} />
              <NowLine />
              <CursorMark />
              <ColleagueGhosts />
              <DraftGhost />
            </div>
          </div>
        </div>
      </div>
      {!shown && <Waiting />}
    </div>
  );
}

function ZoneLetters(): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  if (day === null) return null;
  return <span class="corner-zone">{desk.labels.value.letters(day.start)}</span>;
}

function Waiting(): JSX.Element {
  const { link } = useDesk();
  return (
    <div class="waiting" role="status">
      {link.value.refused !== null
        ? `This day cannot be shown just now: ${link.value.refused}`
        : link.value.phase === 'offline'
          ? 'This day appears when the connection is back.'
          : 'Loading the day…'}
    </div>
  );
}

function scrollbarWidth(element: HTMLElement | null): number {
  return element === null ? 0 : element.offsetWidth - element.clientWidth;
}
