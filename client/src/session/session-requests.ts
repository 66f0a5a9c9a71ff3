import { csrfHeader, csrfValue, type CurrentSession, type Session } from '@auth-bff/shared';
import { TRPCClientError } from '@trpc/client';
import { deserialize } from 'superjson';
import type { AnswerHeaders } from './session-headers.ts';
import type { Clock } from '../clock.ts';
import { dataOf } from '../errors.ts';
import { isPerson } from './session-snapshot.ts';
import type { AuthFetch, AuthHeaders } from '../transport.ts';

export type SessionOutcome =
  /** The session lives, with the cookies that the browser has now. `isNew`: its token has just been handed out. */
  | { kind: 'live'; session: Session; headers: AnswerHeaders; isNew: boolean }
  /** The access token has expired, and a refresh may help. */
  | { kind: 'expired' }
  /** Somebody else exchanged the token: newer cookies exist. */
  | { kind: 'superseded' }
  /** The session is over. */
  | { kind: 'refused' }
  /** Nothing is known: the network or the service failed. */
  | { kind: 'failed'; error: TRPCClientError<never> }
  /** The caller sends the cookies or the token by hand: new ones could not take their place. */
  | { kind: 'not_ours' };

/** What can come of a refresh. */
export type RefreshOutcome = Exclude<SessionOutcome, { kind: 'expired' }>;

export type SessionCallsOptions = {
  url: string;
  fetch: AuthFetch;
  headers: () => Promise<AuthHeaders>;
  timeoutMs: number;
  clock: Clock;
};

/** Asks the BFF outside every link chain, and says what came of it. Nothing here throws. */
export const createSessionCalls = ({ url, fetch, headers, timeoutMs, clock }: SessionCallsOptions) => {
  const ask = async (path: 'refresh' | 'current', init: RequestInit): Promise<SessionOutcome> => {
    const own = await headers();
    if (Object.keys(own).some((name) => /^(cookie|authorization)$/i.test(name))) return { kind: 'not_ours' };
    const sent = { ...own, ...(init.headers as AuthHeaders), [csrfHeader]: csrfValue };
    const response = await fetch(`${url}/session.${path}`, { ...init, headers: sent });
    const answer = (await response.json()) as { result?: { data: never }; error?: never };
    if (answer.result) {
      // `session.current` says a state and, with `signed_in`, the session; `session.refresh` is the session itself.
      const data = deserialize<Session & { state?: CurrentSession['state']; session?: Session }>(answer.result.data);
      const { state, session = data } = data;
      if (state === 'expired') return { kind: 'expired' };
      if (state === 'signed_out') return { kind: 'refused' };
      if (!isPerson(session.user)) throw new TypeError('The answer tells of no session.');
      return { kind: 'live', session, headers: response.headers, isNew: path === 'refresh' };
    }
    const error = TRPCClientError.from<never>({ error: deserialize(answer.error as never) });
    const data = dataOf(error);
    if (data?.code !== 'UNAUTHORIZED') return { kind: 'failed', error };
    return { kind: data.reason === 'refresh_superseded' ? 'superseded' : 'refused' };
  };

  const askInTime = async (
    path: 'refresh' | 'current',
    init: RequestInit,
    given?: AbortSignal,
  ): Promise<SessionOutcome> => {
    const cut = new AbortController();
    let timer: unknown;
    // A fetch that minds no signal is left behind.
    const tooLong = new Promise<never>((_resolve, reject) => {
      const leave = () => reject(new TypeError(`There was no answer within ${timeoutMs} ms.`));
      cut.signal.addEventListener('abort', leave);
      timer = clock.setTimeout(() => cut.abort(), timeoutMs);
    });
    given?.addEventListener('abort', () => cut.abort());
    try {
      return await Promise.race([tooLong, ask(path, { ...init, signal: cut.signal })]);
    } catch (error) {
      return { kind: 'failed', error: TRPCClientError.from<never>(error as Error) };
    } finally {
      clock.clearTimeout(timer);
    }
  };

  return {
    /** Asks for new tokens. */
    refresh: (signal: AbortSignal) =>
      askInTime(
        'refresh',
        // Kept alive, or a page that is left just now would lose tokens whose forerunners are used up.
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}', keepalive: true },
        signal,
      ) as Promise<RefreshOutcome>,
    /** Asks what the session is with the cookies that the browser has now. Without one this is no 401 in the console. */
    look: () => askInTime('current', {}),
  };
};

export type SessionCalls = ReturnType<typeof createSessionCalls>;
