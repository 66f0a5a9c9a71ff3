import type { CurrentSession, Session } from '@auth-bff/shared';
import { TRPCClientError } from '@trpc/client';
import { deserialize } from 'superjson';
import { errorData } from '../errors.ts';
import type { ResponseHeaders } from './session-headers.ts';
import type { SessionOutcome } from './session-requests.ts';
import { isPerson } from './session-snapshot.ts';

/** A procedure of `session` whose response describes the session. */
export type SessionPath = 'refresh' | 'current';

/** The part of a response that is read. */
export type SessionResponse = { headers: ResponseHeaders; json: () => Promise<unknown> };

/** Reads the response of `session.refresh` or `session.current`. Throws if the BFF did not write it. */
export const readSession = async (path: SessionPath, response: SessionResponse): Promise<SessionOutcome> => {
  const body = (await response.json()) as { result?: { data: never }; error?: never };
  if (body.result) {
    // `session.current` returns a state and, if signed in, the session. `session.refresh` returns the session itself.
    const data = deserialize<Session & { state?: CurrentSession['state']; session?: Session }>(body.result.data);
    const { state, session = data } = data;
    if (state === 'expired') return { kind: 'expired' };
    if (state === 'signed_out') return { kind: 'ended' };
    if (!isPerson(session.user)) throw new TypeError('The response contains no session.');
    return { kind: 'active', session, headers: response.headers, isNew: path === 'refresh' };
  }
  const error = TRPCClientError.from<never>({ error: deserialize(body.error as never) });
  const data = errorData(error);
  if (data?.code !== 'UNAUTHORIZED') return { kind: 'failed', error };
  return { kind: data.reason === 'refresh_superseded' ? 'superseded' : 'ended' };
};
