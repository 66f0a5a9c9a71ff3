import type { Operation, TRPCClientError, TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { observable, type Unsubscribable } from '@trpc/server/observable';
import { abortable } from '../abortable.ts';
import type { AnswerHeaders } from '../session/session-headers.ts';
import { dataOf, reasonOf, waitFailed } from '../errors.ts';
import { keepSession, type KeepSessionOptions } from '../session/session-options.ts';
import { CannotRefresh, type SessionKeeper } from '../session/session-manager.ts';
import { isPerson } from '../session/session-snapshot.ts';

export type RefreshLinkOptions = KeepSessionOptions;

type AnswerMeta = { response?: { headers?: AnswerHeaders } };

const headersOf = (meta: unknown): AnswerHeaders =>
  (meta as AnswerMeta | undefined)?.response?.headers ?? { get: () => null };

const signsIn = (path: string) => path === 'session.login' || path === 'session.verifyOtp';

/** What a successful answer says of the session. */
const noteAnswer = (keeper: SessionKeeper, { path }: Operation, data: unknown, meta: unknown, sentIn: number): void => {
  if (path === 'session.logout') return keeper.onSignedOut();
  const headers = headersOf(meta);
  const { state, session, user } = (data ?? {}) as { state?: unknown; session?: { user?: unknown }; user?: unknown };
  const entered = isPerson(session?.user) ? session.user : null;
  if (signsIn(path) && entered) return keeper.onTokens('signed_in', entered, headers);
  if (path === 'session.refresh' && isPerson(user)) return keeper.onTokens('refreshed', user, headers);
  if (path === 'session.current' && state === 'signed_out') return keeper.onRefused('no_token', headers, sentIn);
  const named = path === 'session.me' && isPerson(user) ? user : path === 'session.current' ? entered : null;
  return keeper.onAnswer(headers, sentIn, named);
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

      /** `error`: what the caller gets where no refresh can be made. */
      const sendAfter = async (wait: Promise<void>, error?: TRPCClientError<Router>) => {
        try {
          await abortable(wait, op.signal);
          // Calls that waited together go on in the same tick, and so in the same batch.
          if (!isGone) send();
        } catch (cause) {
          if (!isGone) observer.error(error && cause instanceof CannotRefresh ? error : waitFailed(cause, op.signal));
        }
      };

      const send = () => {
        const sentIn = keeper.epoch();
        let isDropped = false;
        /** Sends a query once more if its answer is of the previous person. No loop: each time takes another change of person. */
        const isSentAgain = (meta: unknown) => {
          if (op.type !== 'query' || !keeper.isOfPrevious(headersOf(meta), sentIn)) return false;
          isDropped = true;
          send();
          return true;
        };
        attempt = next(withLastEventId(op, lastEventId)).subscribe({
          next(envelope) {
            const { result, context } = envelope;
            if (result.type === undefined || result.type === 'data') {
              if (op.type !== 'subscription') noteAnswer(keeper, op, result.data, context, sentIn);
              else if ('id' in result && typeof result.id === 'string') lastEventId = result.id;
            }
            if (!isSentAgain(context)) observer.next(envelope);
          },
          error(error) {
            const reason = dataOf(error)?.reason;
            if (reason !== undefined) keeper.onRefused(reason, headersOf(error.meta), sentIn);
            // An EventSource does not tell why it was refused; our own count of the token's life may.
            const isUntold = op.type === 'subscription' && reasonOf(error) === 'network';
            const isExpired = reason === 'token_expired' || (isUntold && keeper.current().expiresIn === 0);
            if (isExpired && mayRepeat() && op.path !== 'session.refresh') {
              repeatedAtMs = keeper.now();
              void sendAfter(keeper.refresh(sentIn), error);
            } else if (!isSentAgain(error.meta)) observer.error(error);
          },
          complete() {
            if (!isDropped) observer.complete();
          },
        });
      };

      const wait = keeper.restoring();
      if (wait === null) {
        // What signs in or out, or refreshes, is not helped by a refresh beside it.
        if (op.type !== 'mutation' || !op.path.startsWith('session.')) keeper.onCall();
        send();
      } else void sendAfter(wait);
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
