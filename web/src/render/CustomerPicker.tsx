/**
 * Whom a booking is for: a customer found by name, email or phone, or a visitor without an account. A combobox as the ARIA
 * Authoring Practices describe it.
 */

import type { JSX } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { Person } from '../store/changes';
import type { User } from '../wire/readings';
import { useDesk } from './desk';
import { Icon } from './icons';

const SEARCH_AFTER_MS = 180;
const SHORTEST_SEARCH = 2;

interface Props {
  label: string;
  /** Whether somebody without an account may be named. */
  visitors: boolean;
  initial?: string;
  autofocus?: boolean;
  onChoose: (person: Person | null) => void;
}

export function CustomerPicker({
  label,
  visitors,
  initial = '',
  autofocus = false,
  onChoose,
}: Props): JSX.Element {
  const desk = useDesk();
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(initial);
  const [found, setFound] = useState<readonly User[]>([]);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [searching, setSearching] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  // Before the next key: what is typed at once must not reach the grid, where letters are commands.
  useLayoutEffect(() => {
    if (autofocus) input.current?.focus({ preventScroll: true });
  }, [autofocus]);

  useEffect(() => {
    const sought = text.trim();
    if (!open || sought.length < SHORTEST_SEARCH) {
      setFound([]);
      setSearching(false);
      return;
    }
    let current = true;
    setSearching(true);
    const timer = setTimeout(() => {
      desk.searchCustomers(sought).then(
        (users) => {
          if (!current) return;
          setFound(users);
          setActive(0);
          setSearching(false);
          setProblem(null);
        },
        () => {
          if (!current) return;
          setSearching(false);
          setProblem('Customers cannot be searched just now.');
        },
      );
    }, SEARCH_AFTER_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [desk, text, open]);

  const name = text.trim();
  const options = [
    ...found.map((user) => ({
      key: String(user.id),
      title: user.name,
      detail: user.email ?? user.phone ?? '',
      person: { user_id: user.id, name: user.name } as Person,
    })),
    ...(visitors && name !== ''
      ? [
          {
            key: 'visitor',
            title: name,
            detail: 'Walk-in, no account',
            person: { user_id: null, name, phone: null } as Person,
          },
        ]
      : []),
  ];
  const choose = (index: number): void => {
    const option = options[index];
    if (option === undefined) return;
    setText(option.person.name);
    setOpen(false);
    onChoose(option.person);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setOpen(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setActive((now) => (options.length === 0 ? 0 : (now + step + options.length) % options.length));
    } else if (event.key === 'Enter' && open && options.length > 0) {
      event.preventDefault();
      // A quick hand must not book a walk-in where the customer is about to be found.
      if (!searching) choose(active);
    } else if (event.key === 'Escape' && open && options.length > 0) {
      event.stopPropagation();
      setOpen(false);
    }
  };
  const listed = open && (options.length > 0 || problem !== null);
  return (
    <div class="field picker">
      <label class="field-label" for={id}>
        {label}
      </label>
      <span class="picker-box">
        <Icon name="search" />
        <input
          ref={input}
          id={id}
          data-testid="customer"
          role="combobox"
          aria-expanded={listed}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          {...(listed && options.length > 0 ? { 'aria-activedescendant': `${id}-${String(active)}` } : {})}
          autocomplete="off"
          maxLength={200}
          placeholder={visitors ? 'Name, email or phone' : 'Find a customer'}
          value={text}
          onInput={(event) => {
            const typed = event.currentTarget.value;
            setText(typed);
            setOpen(true);
            // Who types a name and presses Enter books a walk-in of that name, unless a customer is picked.
            onChoose(
              visitors && typed.trim() !== '' ? { user_id: null, name: typed.trim(), phone: null } : null,
            );
          }}
          onKeyDown={onKeyDown}
          onBlur={() => {
            setOpen(false);
          }}
        />
      </span>
      {listed && (
        <ul class="picker-list" role="listbox" id={`${id}-list`} aria-label={label}>
          {problem !== null && <li class="picker-problem">{problem}</li>}
          {options.map((option, index) => (
            <li
              key={option.key}
              id={`${id}-${String(index)}`}
              role="option"
              aria-selected={!searching && index === active}
              data-testid="customer-option"
              onMouseDown={(event) => {
                event.preventDefault();
                choose(index);
              }}
            >
              <span class="picker-title">{option.title}</span>
              <span class="picker-detail">{option.detail}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
