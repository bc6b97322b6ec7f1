/**
 * Which page of the back office an address names: the part behind `#`. Pure; does not belong here: watching the address
 * (`render/admin/Office`).
 */

export const SECTIONS = ['analytics', 'support', 'outbox', 'refusals'] as const;
export type Section = (typeof SECTIONS)[number];

/** `thread` is the conversation that is opened, in the section of support. */
export interface Place {
  section: Section;
  thread: string | null;
}

/** The place that a hash names; whatever it cannot read is the first section. */
export function placeOf(hash: string): Place {
  const [name = '', thread = ''] = hash.replace(/^#\/?/, '').split('/');
  const section = SECTIONS.find((each) => each === name) ?? SECTIONS[0];
  return { section, thread: section === 'support' && thread !== '' ? decoded(thread) : null };
}

export function hashOf({ section, thread }: Place): string {
  return thread === null ? `#${section}` : `#${section}/${encodeURIComponent(thread)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
