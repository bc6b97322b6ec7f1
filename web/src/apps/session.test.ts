import { afterEach, expect, test, vi } from 'vitest';

import { Session } from './session';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const answer = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

/** A server by path; what is not named refuses the session. */
function serve(answers: Record<string, () => Response | Promise<Response>>): void {
  vi.stubGlobal('fetch', async (path: string) => answers[path]?.() ?? answer(401, {}));
  vi.stubGlobal('navigator', {});
}

test('who signs out is not told that the session has ended', async () => {
  const session = new Session(() => undefined);
  serve({
    '/api/me': () => answer(200, { user: { id: 1, name: 'Dana' } }),
    // The server closes the link before it answers, and the link asks for the session to be renewed.
    '/api/auth/logout': async () => {
      await session.renew();
      return answer(200, {});
    },
  });
  vi.useFakeTimers();
  await session.begin();
  await session.end();
  expect(session.user.value).toBeNull();
  expect(session.problem.value).toBeNull();
});

test('whose session the server ended is told so', async () => {
  const session = new Session(() => undefined);
  serve({ '/api/me': () => answer(200, { user: { id: 1, name: 'Dana' } }) });
  vi.useFakeTimers();
  await session.begin();
  expect(await session.renew()).toBe(false);
  expect(session.user.value).toBeNull();
  expect(session.problem.value).toContain('has ended');
});

const TOKENS = { access_token: 'x', expires_in: 900 };
const DANA = { user: { id: 1, name: 'Dana' } };

test('a7: a code is sent without a word on whether the address has an account', async () => {
  const session = new Session(() => undefined);
  serve({
    '/api/auth/code': () => new Response(null, { status: 202 }),
    '/api/auth/reset': () => answer(429, { detail: 'At most 10 per minute' }),
  });
  expect(await session.sendCode('sign-in', 'nobody@example.com')).toBe(true);
  expect(session.problem.value).toBeNull();
  expect(await session.sendCode('reset', 'nobody@example.com')).toBe(false);
  expect(session.problem.value).toContain('Too many attempts');
  session.forgive();
  expect(session.problem.value).toBeNull();
});

test('the right code begins a session, and a wrong one says what to do', async () => {
  vi.useFakeTimers();
  const session = new Session(() => undefined);
  serve({});
  expect(await session.verify('dana@example.com', '000000')).toBe(false);
  expect(session.problem.value).toContain('Ask for another one');
  expect(session.user.value).toBeUndefined();
  serve({ '/api/auth/verify': () => answer(200, TOKENS), '/api/me': () => answer(200, DANA) });
  expect(await session.verify('dana@example.com', '042137')).toBe(true);
  expect(session.user.value?.name).toBe('Dana');
  await session.end();
  serve({ '/api/auth/reset': () => answer(200, TOKENS), '/api/me': () => answer(200, DANA) });
  expect(await session.reset('dana@example.com', '042137', 'a new password')).toBe(true);
  expect(session.problem.value).toBeNull();
  expect(session.user.value?.name).toBe('Dana');
});
