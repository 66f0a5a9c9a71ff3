import type { AppRouter } from '@auth-bff/server';
import { httpSubscriptionLink, type Operation, type TRPCClientError } from '@trpc/client';
import { observable } from '@trpc/server/observable';
import { deserialize, serialize } from 'superjson';
import { isBrowser } from '../environment.ts';
import { type LiveEventSourceConstructor, platformEventSource, withPosition } from './event-source.ts';
import type { LiveContext, LiveLink } from './live-option.ts';
import { type Connect, createLiveStream, type LiveStream, type StreamEnvelope } from './live-stream.ts';
import { setUpError } from './stream-errors.ts';
import { createStreamPauses } from './stream-pauses.ts';
import { watchSession } from './watch-session.ts';

export type LiveLinkOptions = {
  /**
   * Opens the connections. Default: the platform's `EventSource`, which Node and React Native lack. It sends the cookies, and
   * cannot send headers: an app with a Bearer token needs a class that adds them.
   */
  EventSource?: LiveEventSourceConstructor | undefined;
  /**
   * Milliseconds that a tab must be hidden before its streams close. They resume, from the last event, when it is shown. False:
   * they stay open. Default: 30,000.
   */
  closeWhenHiddenMs?: number | false | undefined;
  /**
   * Whether the client subscribes to `session.onEnd` while somebody is signed in, so that a sign-out elsewhere shows at once and
   * not with the next call. Takes one stream per visible tab. Default: false.
   */
  watchSession?: boolean | undefined;
};

const isOwnSession = (headers: object): boolean =>
  Object.keys(headers).some((name) => /^(cookie|authorization)$/i.test(name));

const connectStreams = (context: LiveContext, options: LiveLinkOptions): ReturnType<LiveLink['connect']> => {
  const { manager, url, headers, clock } = context;
  const { closeWhenHiddenMs = 30_000 } = options;
  const streams = new Set<LiveStream>();
  /** A copy: an observer may subscribe again, or unsubscribe others. */
  const forEach = (task: (stream: LiveStream) => void) => {
    for (const stream of Array.from(streams)) if (streams.has(stream)) task(stream);
  };
  const pauses = createStreamPauses({
    tab: isBrowser() ? window : null,
    clock,
    closeWhenHiddenMs,
    onPause: () => forEach((stream) => stream.pause()),
    onResume: () => forEach((stream) => stream.resume()),
    onOnline: () => forEach((stream) => stream.retryNow()),
  });

  /** Rejects a platform on which a connection cannot work. */
  const eventSourceOf = async (): Promise<LiveEventSourceConstructor> => {
    if (options.EventSource !== undefined) return options.EventSource;
    const found = platformEventSource();
    if (found === undefined) {
      throw setUpError('an EventSource, which this platform lacks: pass one, liveLink({ EventSource }).');
    }
    if (!isOwnSession(await headers())) return found;
    throw setUpError(
      "an EventSource that sends the client's cookie or authorization header: pass one, liveLink({ EventSource }).",
    );
  };

  const connectWith =
    (EventSource: LiveEventSourceConstructor): Connect =>
    (op, onPosition) => {
      const link = httpSubscriptionLink<AppRouter, never>({
        url,
        EventSource: withPosition(EventSource, onPosition) as never,
        eventSourceOptions: { withCredentials: true } as never,
        transformer: { serialize, deserialize },
      })({});
      return link({ op, next: () => observable(() => {}) });
    };

  const subscribe = (op: Operation) =>
    observable<StreamEnvelope, TRPCClientError<AppRouter>>((observer) => {
      let stream: LiveStream | null = null;
      let isUnsubscribed = false;
      const start = async () => {
        try {
          const EventSource = await eventSourceOf();
          if (isUnsubscribed) return;
          const opened = createLiveStream({
            ...context,
            op,
            observer,
            connect: connectWith(EventSource),
            isPaused: pauses.isPaused,
            onEnd: () => streams.delete(opened),
          });
          stream = opened;
          streams.add(opened);
          opened.start();
        } catch (error) {
          observer.error(error as TRPCClientError<AppRouter>);
        }
      };
      const onAbort = () => (stream === null ? observer.complete() : stream.complete());
      if (op.signal?.aborted) onAbort();
      else void start();
      op.signal?.addEventListener('abort', onAbort);
      return () => {
        isUnsubscribed = true;
        op.signal?.removeEventListener('abort', onAbort);
        stream?.unsubscribe();
      };
    });

  const unsubscribe = manager.subscribe(() => forEach((stream) => stream.onSessionChange()));
  const stopWatching = options.watchSession === true ? watchSession(manager, subscribe) : () => {};
  return {
    link:
      () =>
      ({ op, next }) =>
        op.type === 'subscription' ? subscribe(op) : next(op),
    dispose(): void {
      stopWatching();
      unsubscribe();
      pauses.dispose();
      forEach((stream) => stream.complete());
    },
  };
};

/**
 * Enables subscriptions: `createAuthClient({ url: '/trpc', live: liveLink() })`. Each is one stream of server-sent events. It
 * resumes from its last event after a refresh, a network failure and a restart of the BFF, and ends with the session.
 */
export const liveLink = (options: LiveLinkOptions = {}): LiveLink => ({
  connect: (context) => connectStreams(context, options),
});
