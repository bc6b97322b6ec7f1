/** Light, dark, or as the system has it. */

import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';

import { Icon } from './icons';

export type ThemeChoice = Signal<'system' | 'light' | 'dark'>;

const NEXT = { system: 'light', light: 'dark', dark: 'system' } as const;
const WORDS = { system: 'Colours: as the system', light: 'Colours: light', dark: 'Colours: dark' };
const ICONS = { system: 'half', light: 'sun', dark: 'moon' } as const;

export function ThemeToggle({ theme }: { theme: ThemeChoice }): JSX.Element {
  const now = theme.value;
  return (
    <button
      type="button"
      class="icon-button"
      data-testid="theme"
      title={WORDS[now]}
      aria-label={WORDS[now]}
      onClick={() => {
        theme.value = NEXT[now];
      }}
    >
      <Icon name={ICONS[now]} />
    </button>
  );
}
