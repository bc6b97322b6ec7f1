/**
 * The few HTTP calls that the app needs beside the live wire. Belongs here: requests, problem answers, and renewing the
 * session once when it has ended. Does not belong here: what is done with the answers.
 */

import type { Suggestion, Violation } from './messages';

/** The server's `application/problem+json`; `status` is 0 when it could not be reached at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly violations: readonly Violation[] = [],
    readonly suggestions: readonly Suggestion[] = [],
  ) {
    super(message);
  }
}

type Method = 'GET' | 'POST';

async function exchange<Answer>(method: Method, path: string, body?: unknown): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: {
        Accept: 'application/json',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(0, 'unreachable', 'The server cannot be reached.');
  }
  const text = await response.text();
  let parsed: unknown = null;
  try {
    parsed = text === '' ? null : JSON.parse(text);
  } catch {
    // A proxy's own page, perhaps: the status says enough.
  }
  if (response.ok) return parsed as Answer;
  const told = (parsed ?? {}) as Partial<Problem> & { detail?: string; title?: string };
  throw new Problem(
    response.status,
    told.code ?? 'unknown',
    told.detail ?? told.title ?? `The server answered ${String(response.status)}.`,
    told.violations ?? [],
    told.suggestions ?? [],
  );
}

export interface Tokens {
  access_token: string;
  expires_in: number;
}

/** Sets the session's cookies. Throws a `Problem` of 401 for a wrong address or password, 429 after too many. */
export function signIn(email: string, password: string): Promise<Tokens> {
  return exchange('POST', '/api/auth/login', { email, password });
}

/** Has six digits sent to the address, for signing in; answered alike whoever has it. */
export function sendSignInCode(email: string): Promise<unknown> {
  return exchange('POST', '/api/auth/code', { email });
}

/** As `sendSignInCode`, for setting a new password. */
export function sendResetCode(email: string): Promise<unknown> {
  return exchange('POST', '/api/auth/reset', { email });
}

/** As `signIn`, by the code that came. */
export function signInByCode(email: string, code: string): Promise<Tokens> {
  return exchange('POST', '/api/auth/verify', { email, code });
}

/** As `signIn`, with a new password by the code that came; all other sessions of the account end. */
export function resetPassword(email: string, code: string, password: string): Promise<Tokens> {
  return exchange('POST', '/api/auth/reset', { email, code, password });
}

/** Renews the session from its cookie. */
export function refreshSession(): Promise<Tokens> {
  const renew = (): Promise<Tokens> => exchange('POST', '/api/auth/refresh');
  // Refresh tokens rotate, and a used one ends the session: the tabs of one browser take turns.
  return 'locks' in navigator ? navigator.locks.request('baygrid-refresh', renew) : renew();
}

export function signOut(): Promise<unknown> {
  return exchange('POST', '/api/auth/logout');
}

/** Reads `path`; a session that has ended meanwhile is renewed once. */
export async function read<Answer>(path: string): Promise<Answer> {
  try {
    return await exchange<Answer>('GET', path);
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 401) throw problem;
  }
  await refreshSession();
  return exchange<Answer>('GET', path);
}
