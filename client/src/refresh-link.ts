import type { Operation, TRPCClientError, TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { observable, type Unsubscribable } from '@trpc/server/observable';
import { abortable } from './abortable.ts';
import { dataOf, reasonOf, waitFailed } from './errors.ts';
import { keepSession, type KeepSessionOptions } from './keep-session.ts';
import { CannotRefresh, type SessionKeeper } from './session-keeper.ts';
import { isPerson } from './session-snapshot.ts';

export type RefreshLinkOptions = KeepSessionOptions;

type AnswerMeta = { response?: { headers?: Pick<Headers, 'get'> } };

const headersOf = (meta: unknown): Pick<Headers, 'get'> => {
  const headers = (meta as AnswerMeta | undefined)?.response?.headers;
  return headers ?? new Headers();
};

const signsIn = (path: string) => path === 'session.login' || path === 'session.verifyOtp';

/** What a successful answer says of the session. */
const noteAnswer = (keeper: SessionKeeper, { path }: Operation, data: unknown, meta: unknown, sentIn: number): void => {
  if (path === 'session.logout') return keeper.onSignedOut();
  const headers = headersOf(meta);
  const { session, user } = (data ?? {}) as { session?: { user?: unknown }; user?: unknown };
  if (signsIn(path) && isPerson(session?.user)) return keeper.onTokens('signed_in', session.user, headers);
  if (path === 'session.refresh' && isPerson(user)) return keeper.onTokens('refreshed', user, headers);
  return keeper.onAnswer(headers, sentIn, path === 'session.me' && isPerson(user) ? user : null);
};

const withLastEventId = (op: Operation, lastEventId: string | null): Operation =>
  lastEventId !== null && (op.input === undefined || op.input === null || typeof op.input === 'object')
    ? { ...op, input: { ...op.input, lastEventId } }
    : op;

/** Of a subscription that is refused again sooner, the token is not what is wrong. */
const minTokenLifeMs = 5_000;

/** The link over a keeper that others share. */
export const linkToKeeper =
  <Router extends AnyRouter>(keeper: SessionKeeper): TRPCLink<Router> =>
  () =>
  ({ op, next }) =>
    observable((observer) => {
      let attempt: Unsubscribable | null = null;
      let isGone = false;
      let repeatedAtMs: number | null = null;
      let lastEventId: string | null = null;

      /** One repeat; a subscription, which lives through many tokens, gets another once this one has lasted. */
      const mayRepeat = () =>
        repeatedAtMs === null || (op.type === 'subscription' && keeper.now() - repeatedAtMs >= minTokenLifeMs);

      const repeat = async (sentIn: number, error: TRPCClientError<Router>) => {
        try {
          await abortable(keeper.refresh(sentIn), op.signal);
          // Whoever waited goes on in the same tick, and so in the same batch.
          if (!isGone) send();
        } catch (cause) {
          if (!isGone) observer.error(cause instanceof CannotRefresh ? error : waitFailed(cause, op.signal));
        }
      };

      const send = () => {
        const sentIn = keeper.epoch();
        attempt = next(withLastEventId(op, lastEventId)).subscribe({
          next(envelope) {
            const { result } = envelope;
            if (result.type === undefined || result.type === 'data') {
              if (op.type !== 'subscription') noteAnswer(keeper, op, result.data, envelope.context, sentIn);
              else if ('id' in result && typeof result.id === 'string') lastEventId = result.id;
            }
            observer.next(envelope);
          },
          error(error) {
            const reason = dataOf(error)?.reason;
            if (reason !== undefined) keeper.onRefused(reason, headersOf(error.meta), sentIn);
            // An EventSource does not tell why it was refused; our own count of the token's life may.
            const isUntold = op.type === 'subscription' && reasonOf(error) === 'network';
            const isExpired = reason === 'token_expired' || (isUntold && keeper.current().expiresIn === 0);
            if (!isExpired || !mayRepeat() || op.path === 'session.refresh') return observer.error(error);
            repeatedAtMs = keeper.now();
            void repeat(sentIn, error);
          },
          complete: () => observer.complete(),
        });
      };

      // What signs in or out, or refreshes, is not helped by a refresh beside it.
      if (op.type !== 'mutation' || !op.path.startsWith('session.')) keeper.onCall();
      send();
      return () => {
        // Who leaves takes nobody else's refresh along.
        isGone = true;
        attempt?.unsubscribe();
      };
    });

/**
 * Repeats a call whose token has expired, after one refresh for all calls that wait. Any other refusal goes to
 * the caller, and so does a second one: nothing is repeated twice. The refresh itself goes by `fetch`, never
 * through the link. Mutations are repeated, too: the guard refused them before any work was done.
 *
 * Put it before the link that sends. One link a client: each keeps a session of its own.
 */
export const refreshLink = <Router extends AnyRouter>(options: RefreshLinkOptions): TRPCLink<Router> =>
  linkToKeeper<Router>(keepSession(options).keeper);
