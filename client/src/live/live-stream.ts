import type { AppRouter } from '@auth-bff/server';
import type { SessionEndEvent } from '@auth-bff/shared';
import type { Operation, OperationResultEnvelope, TRPCClientError, TRPCLink } from '@trpc/client';
import type { Observer, Unsubscribable } from '@trpc/server/observable';
import { errorData, isAuthError, sessionEndedError } from '../errors.ts';
import { NotRefreshableError } from '../session/in-flight-refresh.ts';
import { isSamePerson, type SessionUser } from '../session/session-snapshot.ts';
import type { LiveContext } from './live-option.ts';
import { createReconnectDelay } from './reconnect-delay.ts';
import { isPassing, lostError, retryAfterMs } from './stream-errors.ts';

type StreamError = TRPCClientError<AppRouter>;
export type StreamEnvelope = OperationResultEnvelope<unknown, StreamError>;
/** Opens one connection. `onPosition`: called with the id after which the events of the stream begin. */
export type Connect = (
  op: Operation,
  onPosition: (lastEventId: string) => void,
) => ReturnType<ReturnType<TRPCLink<AppRouter>>>;

export type LiveStreamOptions = LiveContext & {
  op: Operation;
  observer: Observer<StreamEnvelope, StreamError>;
  /** The connection does not have to reconnect by itself. */
  connect: Connect;
  isPaused: () => boolean;
  /** The stream has ended: its observer will not be called again. */
  onEnd: () => void;
};

/** A token with less time left is refreshed before a connection, which would end with it. */
const minSecondsLeft = 10;
const noHeaders = { get: () => null };

/**
 * One subscription, through all its connections. It has at most one, and opens the next only after it has refreshed the session
 * if that is due, because an `EventSource` hides the 401 of a connection that is refused. Connections are not left to reconnect
 * by themselves.
 */
export const createLiveStream = (options: LiveStreamOptions) => {
  const { op, observer, connect, isPaused, onEnd, manager, clock } = options;
  const delay = createReconnectDelay(options);
  let connection: Unsubscribable | null = null;
  let timer: unknown = null;
  /** Goes up with each disconnection: steps of an earlier attempt that complete later are dropped. */
  let attempt = 0;
  let hasEnded = false;
  let lastEventId: string | null = null;
  /** Whose connection it is, and of which token pair. */
  let person: SessionUser | null = null;
  let sentIn = 0;
  /** Whether no connection has lasted since a refresh for this stream. */
  let hasRefreshed = false;
  /** The session may have ended, or be another person's, while the stream was closed: the BFF is asked first. */
  let needsCheck = false;
  /** The event that says that the session has ended, until the session manager knows it too. */
  let lastEvent: StreamEnvelope | null = null;

  const disconnect = () => {
    attempt += 1;
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
    const closing = connection;
    connection = null;
    closing?.unsubscribe();
  };

  /** Closes the stream for good, before the observer is told. */
  const end = (): boolean => {
    if (hasEnded) return false;
    hasEnded = true;
    disconnect();
    onEnd();
    return true;
  };
  const fail = (error: StreamError) => {
    if (end()) observer.error(error);
  };
  const complete = (envelope: StreamEnvelope | null = null) => {
    if (!end()) return;
    if (envelope !== null) observer.next(envelope);
    observer.next({ result: { type: 'stopped' } });
    observer.next({ result: { type: 'state', state: 'idle', error: null } });
    observer.complete();
  };

  const reconnect = (error: StreamError | null, delayMs = 0) => {
    disconnect();
    observer.next({ result: { type: 'state', state: 'connecting', error } });
    // The observer may have unsubscribed, or the tab may be hidden.
    if (hasEnded || isPaused()) return;
    if (delayMs === 0) void prepare();
    else timer = clock.setTimeout(() => void prepare(), delayMs);
  };
  const lose = (error: StreamError) => {
    if (delay.isStable()) hasRefreshed = false;
    needsCheck ||= errorData(error) === null;
    reconnect(error, delay.onLost(retryAfterMs(error)));
  };

  /** The session ended on the server, as this connection learnt. A newer session may exist: another origin signed in again. */
  const checkSession = async (error: StreamError | null) => {
    disconnect();
    const mine = attempt;
    await manager.load();
    // If the session has ended, `onSessionChange` has ended this stream.
    if (mine === attempt && !hasEnded) lose(error ?? lostError());
  };

  const onEnded = ({ reason }: SessionEndEvent, error: StreamError | null) => {
    if (reason === 'session_ended') {
      void checkSession(error);
      return;
    }
    manager.onRejected('session_ended', noHeaders, manager.epoch());
    if (!hasEnded) fail(error ?? sessionEndedError());
  };

  const onExpired = async (error: StreamError) => {
    // A new token that is rejected at once has not expired. A loop would use up refresh tokens.
    if (hasRefreshed && !delay.isStable()) {
      needsCheck = true;
      return lose(error);
    }
    hasRefreshed = true;
    disconnect();
    const mine = attempt;
    try {
      await manager.refresh(sentIn);
      if (mine === attempt) reconnect(null);
    } catch (cause) {
      if (mine === attempt) onRefreshFailed(cause, error);
    }
  };

  /** An outage is no sign-out: the stream waits for its end. */
  const onRefreshFailed = (cause: unknown, error: StreamError | null) => {
    if (hasEnded) return;
    if (cause instanceof NotRefreshableError) return error ? fail(error) : open();
    return isAuthError(cause) ? fail(cause as StreamError) : lose(cause as StreamError);
  };

  const onError = (error: StreamError) => {
    const reason = errorData(error)?.reason;
    if (reason === 'token_expired') return void onExpired(error);
    if (reason === 'session_ended' || reason === 'account_inactive') return onEnded({ reason }, error);
    if (isPassing(error)) return lose(errorData(error) === null ? lostError() : error);
    const rejectedIn = sentIn;
    fail(error);
    if (reason !== undefined) manager.onRejected(reason, noHeaders, rejectedIn);
  };

  const onEnvelope = (envelope: StreamEnvelope) => {
    const { result } = envelope;
    if (result.type === 'state') {
      if (result.state === 'pending') observer.next(envelope);
      // The server failed, or has sent no heartbeat. The connection would try again without a refresh.
      else if (result.state === 'connecting' && result.error !== null) onError(result.error);
    } else if (result.type === 'started') {
      delay.onOpen();
      observer.next(envelope);
    } else if (result.type !== 'stopped') {
      if ('id' in result && typeof result.id === 'string') lastEventId = result.id;
      if (op.path !== 'session.onEnd') return observer.next(envelope);
      lastEvent = envelope;
      onEnded(result.data as SessionEndEvent, null);
    }
  };

  const open = () => {
    lastEvent = null;
    delay.onConnect();
    sentIn = manager.epoch();
    person = manager.current().user;
    const mine = attempt;
    const isCurrent = () => mine === attempt && !hasEnded;
    const input = lastEventId === null ? op.input : { ...(op.input as object | undefined), lastEventId };
    const onPosition = (id: string) => {
      if (isCurrent()) lastEventId = id;
    };
    const opened = connect({ ...op, input, signal: null }, onPosition).subscribe({
      next(envelope) {
        if (isCurrent()) onEnvelope(envelope);
      },
      error(error) {
        if (isCurrent()) onError(error);
      },
      complete() {
        if (isCurrent()) complete();
      },
    });
    if (isCurrent()) connection = opened;
    else opened.unsubscribe();
  };

  /** Asynchronous: React's StrictMode undoes the first subscription at once, which then opens no connection. */
  const prepare = async () => {
    const mine = attempt;
    timer = null;
    const restoring = manager.restoring();
    await restoring;
    if (mine === attempt && needsCheck && restoring === null) await manager.load();
    if (mine !== attempt) return;
    needsCheck = false;
    manager.onCall();
    try {
      const { expiresIn } = manager.current();
      if (expiresIn !== null && expiresIn < minSecondsLeft) await manager.refresh();
      if (mine === attempt) open();
    } catch (cause) {
      if (mine === attempt) onRefreshFailed(cause, null);
    }
  };

  return {
    start: () => reconnect(null),
    /** Closes the connection. The subscription stays. */
    pause(): void {
      needsCheck = true;
      reconnect(null);
    },
    resume: () => reconnect(null),
    /** The network is back: a stream that waits for it connects at once. */
    retryNow(): void {
      if (timer !== null) reconnect(null);
    },
    /** The session has changed: a stream of another person is opened again, from now on, as the current person. */
    onSessionChange(): void {
      const { state, user } = manager.current();
      if (state === 'signed_out') {
        if (lastEvent !== null) complete(lastEvent);
        else fail(sessionEndedError());
        return;
      }
      if (user === null || isSamePerson(person, user)) return;
      // A response names the person of a connection of the same token.
      const isNamed = person === null && sentIn === manager.epoch();
      if (person !== null) lastEventId = null;
      person = user;
      if (connection !== null && !isNamed) reconnect(null);
    },
    complete,
    unsubscribe: end,
  };
};

export type LiveStream = ReturnType<typeof createLiveStream>;
