/**
 * The ways in: by password, by a code that comes by email, or by setting a new password with one. Belongs here: the steps, what
 * each says, and codes as people type them. Does not belong here: drawing them (`render/SignIn`), or asking the server
 * (`apps/session`).
 */

export type Purpose = 'sign-in' | 'reset';

/** `ask` wants the address that a code goes to, `code` what came there. */
export type Step = { at: 'password' } | { at: 'ask' | 'code'; purpose: Purpose };

export const PASSWORD: Step = { at: 'password' };
export const SHORTEST_PASSWORD = 10;
export const CODE_LENGTH = 6;

/** What a step says, and what its button says while idle and while the server is asked. */
export interface Words {
  title: string;
  lead: string | null;
  button: string;
  going: string;
}

export function wordsOf(step: Step, email: string): Words {
  if (step.at === 'password') {
    return { title: 'Sign in', lead: null, button: 'Sign in', going: 'Signing in…' };
  }
  const resets = step.purpose === 'reset';
  const title = resets ? 'Set a new password' : 'Sign in with a code';
  if (step.at === 'ask') {
    return {
      title,
      lead: resets
        ? 'We send six digits to your address. With them you choose a new password.'
        : 'We send six digits to your address. They sign you in once.',
      button: 'Email me a code',
      going: 'Sending…',
    };
  }
  return {
    title,
    // Whether the address has an account is told to nobody but whoever reads what comes there.
    lead: `A message is on its way to ${email.trim()}. A code in it is good for ten minutes.`,
    button: resets ? 'Set password and sign in' : 'Sign in',
    going: resets ? 'Setting it…' : 'Signing in…',
  };
}

/** The step after the address was given, or the code asked for again. */
export function afterSending(step: Step): Step {
  return step.at === 'password' ? step : { at: 'code', purpose: step.purpose };
}

/** The digits of what was typed or pasted, `123 456` or full-width ones too; as many as a code has. */
export function tidyCode(typed: string): string {
  return typed
    .normalize('NFKC')
    .replace(/[^0-9]/g, '')
    .slice(0, CODE_LENGTH);
}
