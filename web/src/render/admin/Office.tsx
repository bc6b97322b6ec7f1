/** The back office's frame: its sections, and the one that the address names. */

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { hashOf, placeOf, SECTIONS, type Place, type Section } from '../../layout/place';
import type { User } from '../../wire/readings';
import { Icon } from '../icons';
import { ThemeToggle, type ThemeChoice } from '../ThemeToggle';
import { BrandMark } from '../Toolbar';
import { Analytics } from './Analytics';
import { Outbox } from './Outbox';
import { Refusals } from './Refusals';
import { Support } from './Support';

const TITLES: Readonly<Record<Section, string>> = {
  analytics: 'Analytics',
  support: 'Support',
  outbox: 'Messages',
  refusals: 'Refusals',
};

interface Props {
  me: User;
  theme: ThemeChoice;
  signOut: () => void;
}

export function Office({ me, theme, signOut }: Props): JSX.Element {
  const place = usePlace();
  useEffect(() => {
    document.title = `${TITLES[place.section]} · Baygrid`;
  }, [place.section]);
  return (
    <div class="workspace">
      <header class="toolbar office-toolbar">
        <a class="brand" href="/" title="To the grid">
          <BrandMark />
          <span class="brand-name">Baygrid</span>
        </a>
        <nav class="office-sections" aria-label="Sections">
          {SECTIONS.map((section) => (
            <a
              key={section}
              href={hashOf({ section, thread: null })}
              {...(section === place.section ? { 'aria-current': 'page' as const } : {})}
            >
              {TITLES[section]}
            </a>
          ))}
        </nav>
        <div class="toolbar-who">
          <ThemeToggle theme={theme} />
          <button
            type="button"
            class="icon-button"
            title={`Sign out ${me.name}`}
            aria-label={`Sign out ${me.name}`}
            onClick={signOut}
          >
            <Icon name="leave" />
          </button>
        </div>
      </header>
      <main class="office" data-testid={place.section}>
        <Page place={place} />
      </main>
    </div>
  );
}

function Page({ place }: { place: Place }): JSX.Element {
  switch (place.section) {
    case 'analytics':
      return <Analytics />;
    case 'support':
      return <Support key={place.thread ?? ''} thread={place.thread} />;
    case 'outbox':
      return <Outbox />;
    case 'refusals':
      return <Refusals />;
  }
}

/** The place that the address names, followed as it changes. */
function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const follow = (): void => {
      setPlace(placeOf(location.hash));
    };
    window.addEventListener('hashchange', follow);
    return () => {
      window.removeEventListener('hashchange', follow);
    };
  }, []);
  return place;
}
