import type { Operation, TRPCClientError, TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { observable, type Unsubscribable } from '@trpc/server/observable';
import { abortable } from '../abortable.ts';
import { errorData, reasonOf, toCallError } from '../errors.ts';
import { NotRefreshableError } from '../session/in-flight-refresh.ts';
import type { ResponseHeaders } from '../session/session-headers.ts';
import type { SessionManager } from '../session/session-manager.ts';
import { resolveSessionOptions, type SessionOptions } from '../session/session-options.ts';
import { isPerson } from '../session/session-snapshot.ts';

export type RefreshLinkOptions = SessionOptions;

type ResponseMeta = { response?: { headers?: ResponseHeaders } };

const headersOf = (meta: unknown): ResponseHeaders =>
  (meta as ResponseMeta | undefined)?.response?.headers ?? { get: () => null };

/** Reports a successful response to the session manager. */
const reportResponse = (
  manager: SessionManager,
  { path }: Operation,
  data: unknown,
  meta: unknown,
  sentIn: number,
): void => {
  // `logoutEverywhere`, too: it ends this session as well.
  if (path.startsWith('session.logout')) return manager.onSignedOut();
  const headers = headersOf(meta);
  const { state, session, user } = (data ?? {}) as { state?: unknown; session?: { user?: unknown }; user?: unknown };
  const sessionUser = isPerson(session?.user) ? session.user : null;
  const isSignIn = path === 'session.login' || path === 'session.verifyOtp';
  if (isSignIn && sessionUser) return manager.onTokens('signed_in', sessionUser, headers);
  if (path === 'session.refresh' && isPerson(user)) return manager.onTokens('refreshed', user, headers);
  if (path === 'session.current' && state === 'signed_out') return manager.onRejected('no_token', headers, sentIn);
  const named = path === 'session.me' && isPerson(user) ? user : path === 'session.current' ? sessionUser : null;
  return manager.onResponse(headers, sentIn, named ?? undefined);
};

const withLastEventId = (op: Operation, lastEventId: string | null): Operation =>
  lastEventId !== null && (op.input === undefined || op.input === null || typeof op.input === 'object')
    ? { ...op, input: { ...op.input, lastEventId } }
    : op;

/** A subscription that fails again sooner than this does not fail because of its token. */
const minRepeatIntervalMs = 5_000;

/** The refresh link over an existing session manager. */
export const refreshLinkOf =
  <Router extends AnyRouter>(manager: SessionManager): TRPCLink<Router> =>
  () =>
  ({ op, next }) =>
    observable((observer) => {
      let attempt: Unsubscribable | null = null;
      let isUnsubscribed = false;
      let repeatedAtMs: number | null = null;
      let lastEventId: string | null = null;

      /** A call is repeated once. A long-lived subscription outlives many tokens and is repeated for each. */
      const mayRepeat = () =>
        repeatedAtMs === null ||
        (op.type === 'subscription' && manager.monotonicNow() - repeatedAtMs >= minRepeatIntervalMs);

      /** `error`: reported if this client cannot refresh. */
      const sendAfter = async (wait: Promise<void>, error?: TRPCClientError<Router>) => {
        try {
          await abortable(wait, op.signal);
          // Calls that waited together are sent in the same tick, and so in one batch.
          if (!isUnsubscribed) send();
        } catch (cause) {
          if (isUnsubscribed) return;
          observer.error(error && cause instanceof NotRefreshableError ? error : toCallError(cause, op.signal));
        }
      };

      const send = () => {
        const sentIn = manager.epoch();
        let isReplaced = false;
        /** Repeats a query whose response belongs to the previous person. Each repeat needs another change of person. */
        const resendAfterChange = (meta: unknown) => {
          if (op.type !== 'query' || !manager.isOfPreviousPerson(headersOf(meta), sentIn)) return false;
          isReplaced = true;
          send();
          return true;
        };
        attempt = next(withLastEventId(op, lastEventId)).subscribe({
          next(envelope) {
            const { result, context } = envelope;
            if (result.type === undefined || result.type === 'data') {
              if (op.type !== 'subscription') reportResponse(manager, op, result.data, context, sentIn);
              else if ('id' in result && typeof result.id === 'string') lastEventId = result.id;
            }
            if (!resendAfterChange(context)) observer.next(envelope);
          },
          error(error) {
            const reason = errorData(error)?.reason;
            if (reason !== undefined) manager.onRejected(reason, headersOf(error.meta), sentIn);
            // An EventSource does not report the status of a rejected connection; our own count of the lifetime helps.
            const hasNoReason = op.type === 'subscription' && reasonOf(error) === 'network';
            const isExpired = reason === 'token_expired' || (hasNoReason && manager.current().expiresIn === 0);
            if (isExpired && mayRepeat() && op.path !== 'session.refresh') {
              repeatedAtMs = manager.monotonicNow();
              void sendAfter(manager.refresh(sentIn), error);
            } else if (!resendAfterChange(error.meta)) observer.error(error);
          },
          complete() {
            if (!isReplaced) observer.complete();
          },
        });
      };

      const restoring = manager.restoring();
      if (restoring === null) {
        // A sign-in, sign-out or refresh does not need a refresh in parallel.
        if (op.type !== 'mutation' || !op.path.startsWith('session.')) manager.onCall();
        send();
      } else void sendAfter(restoring);
      return () => {
        // The refresh continues for other calls.
        isUnsubscribed = true;
        attempt?.unsubscribe();
      };
    });

/**
 * Repeats a call that failed with `token_expired`, after one refresh for all waiting calls. Other errors, and a second
 * `token_expired`, go to the caller. Mutations are repeated too: the BFF rejected them before it did any work. The refresh
 * itself is sent by `fetch`, outside the chain of links.
 *
 * Place it before the terminating link. Use one link per client: each link holds its own session.
 */
export const refreshLink = <Router extends AnyRouter>(options: RefreshLinkOptions): TRPCLink<Router> =>
  refreshLinkOf<Router>(resolveSessionOptions(options).manager);
