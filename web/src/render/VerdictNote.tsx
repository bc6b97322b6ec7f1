/** What the rules say of the draft that a form is open for, with the nearest places that would be accepted. */

import type { JSX } from 'preact';

import type { Place } from '../store/changes';
import { useDesk, type DraftVerdict } from './desk';
import { Icon } from './icons';
import { VERDICT_ICONS } from './Overlays';
import { VERDICT_WORDS } from './wording';

interface Props {
  verdict: DraftVerdict | null;
  onChoose: (place: Place) => void;
}

export function VerdictNote({ verdict, onChoose }: Props): JSX.Element {
  const tone = verdict?.tone ?? 'checking';
  return (
    <div class="verdict-note" data-verdict={tone} data-testid="form-verdict">
      <Icon name={VERDICT_ICONS[tone]} />
      <div>
        <strong>{VERDICT_WORDS[tone]}</strong>
        {(verdict?.violations ?? []).map((violation) => (
          <p key={violation.code}>{violation.message}</p>
        ))}
        <SuggestionChips places={verdict?.suggestions ?? []} onChoose={onChoose} />
      </div>
    </div>
  );
}

export function SuggestionChips({
  places,
  onChoose,
}: {
  places: readonly Place[];
  onChoose: (place: Place) => void;
}): JSX.Element | null {
  const desk = useDesk();
  if (places.length === 0) return null;
  return (
    <div class="chips" role="group" aria-label="Possible instead">
      {places.map((place) => (
        <button
          key={`${String(place.resource_id)} ${String(place.start)} ${String(place.end)}`}
          type="button"
          class="chip"
          data-testid="suggestion"
          onClick={() => {
            onChoose(place);
          }}
        >
          {desk.placeLabel(place)}
        </button>
      ))}
    </div>
  );
}
