/** What only a person can answer: why a rule is waived, whether a booking is really cancelled. And the list of keys. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { useDesk, type Question } from './desk';
import { Icon } from './icons';
import { SuggestionChips } from './VerdictNote';
import { titleOf } from './wording';

export function Questions(): JSX.Element | null {
  const desk = useDesk();
  const question = desk.question.value;
  if (question === null) return null;
  switch (question.ask) {
    case 'override':
      return <OverrideQuestion key={question.title} question={question} />;
    case 'cancel':
      return <CancelQuestion key={question.record.id} question={question} />;
    case 'keys':
      return <Keys />;
  }
}

/** A modal dialog; `onClose` is called for Escape too. */
function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: JSX.Element;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-label={title}
      data-testid="question"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
      }}
      onClick={(event) => {
        // The backdrop is the dialog itself; what it holds is inside it.
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="dialog-body">
        <div class="sheet-head">
          <h2>{title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

function OverrideQuestion({ question }: { question: Question & { ask: 'override' } }): JSX.Element {
  const desk = useDesk();
  const [reason, setReason] = useState('');
  const given = reason.trim();
  return (
    <Dialog
      title={question.title}
      onClose={() => {
        question.answer(null);
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (given !== '') question.answer(given);
        }}
      >
        {question.draft !== null && (
          <p class="sheet-place">
            {question.draft.record !== null && <strong>{titleOf(question.draft.record)}</strong>}{' '}
            {desk.placeLabel(question.draft)}
          </p>
        )}
        <ul class="violations">
          {question.violations.map((violation) => (
            <li key={violation.code}>
              <Icon name="alert" />
              {violation.message}
            </li>
          ))}
        </ul>
        {question.choose !== null && (
          <SuggestionChips places={question.suggestions} onChoose={question.choose} />
        )}
        <label class="field">
          <span class="field-label">Reason, kept with the booking’s history</span>
          <textarea
            name="reason"
            data-testid="override-reason"
            rows={2}
            maxLength={2000}
            required
            autofocus
            value={reason}
            onInput={(event) => {
              setReason(event.currentTarget.value);
            }}
          />
        </label>
        <div class="sheet-foot">
          <button
            type="button"
            class="quiet-button"
            onClick={() => {
              question.answer(null);
            }}
          >
            Leave it
          </button>
          <button type="submit" class="primary-button warning" data-testid="override" disabled={given === ''}>
            Override
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function CancelQuestion({ question }: { question: Question & { ask: 'cancel' } }): JSX.Element {
  const desk = useDesk();
  const isBlock = question.record.kind === 'block';
  const [reason, setReason] = useState('');
  return (
    <Dialog
      title={
        isBlock ? `Remove ${titleOf(question.record)}?` : `Cancel the booking of ${titleOf(question.record)}?`
      }
      onClose={() => {
        question.answer(null);
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          question.answer(reason.trim());
        }}
      >
        <p class="sheet-place">{desk.placeLabel(question.record)}</p>
        <label class="field">
          <span class="field-label">Reason (optional)</span>
          <input
            name="reason"
            maxLength={2000}
            autofocus
            value={reason}
            onInput={(event) => {
              setReason(event.currentTarget.value);
            }}
          />
        </label>
        <div class="sheet-foot">
          <button
            type="button"
            class="quiet-button"
            onClick={() => {
              question.answer(null);
            }}
          >
            Keep it
          </button>
          <button type="submit" class="primary-button danger" data-testid="confirm-cancel">
            {isBlock ? 'Remove the block' : 'Cancel the booking'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ['← ↑ → ↓', 'Move over the grid'],
  ['Page Up, Page Down', 'Four hours up or down'],
  ['Home, End', 'First or last bay; with Ctrl, first or last row'],
  ['Shift + ↑ ↓', 'Extend the selection'],
  ['Enter', 'Open the booking, or book the free time'],
  ['M', 'Pick a booking up; arrows carry it, Shift + ↑ ↓ changes its end, Enter puts it down'],
  ['Delete', 'Cancel the booking'],
  ['Esc', 'Put back, close'],
  ['[  ]  T', 'Previous day, next day, today'],
  ['?', 'This list'],
];

function Keys(): JSX.Element {
  const desk = useDesk();
  return (
    <Dialog
      title="Keys"
      onClose={() => {
        desk.question.value = null;
      }}
    >
      <dl class="keys">
        {KEYS.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
