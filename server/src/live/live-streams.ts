import type { SessionEndEvent } from '@auth-bff/shared';
import { AppError } from '../errors.ts';
import { inactiveError, signedOutError } from '../session/session-errors.ts';
import type { SessionEnds } from '../session/session-end/session-ends.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import type { LiveLimits } from './live-limits.ts';
import { createLiveStream, type StreamEnd } from './live-stream.ts';
import { StoppedError } from './stopped-error.ts';
import type { StreamPosition } from './stream-position.ts';
import type { Sweep } from './sweep.ts';

export type LiveStreamsOptions = {
  limits: Pick<LiveLimits, 'perCaller' | 'perProcess'>;
  sweep: Sweep;
  sessionEnds: SessionEnds;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Whose stream it is: a person with their access token, or a service, whose key does not expire. */
export type StreamOwner = { name: string } & ({ kind: 'person'; verified: VerifiedToken } | { kind: 'service' });

export type OpenStreamOptions<Event> = {
  owner: StreamOwner;
  /** Aborts when the client disconnects. */
  signal: AbortSignal | undefined;
  /** Begins the events, perhaps with their position. They end soon after the signal aborts. */
  events: (signal: AbortSignal) => AsyncIterable<Event | StreamPosition>;
  /** The last event when the session ends. Default: the stream fails, as a call of that session would. */
  onSessionEnd?: (end: SessionEndEvent) => Event;
};

type Stoppable = { end: (end: { error: Error }) => void };

const retryAfterSeconds = 30;

const toError = ({ reason }: SessionEndEvent): AppError =>
  reason === 'account_inactive' ? inactiveError() : signedOutError();

/**
 * The open streams of this process. A stream ends when its access token expires, when its session ends, and when the process
 * stops.
 */
export const createLiveStreams = ({ limits, sweep, sessionEnds, now }: LiveStreamsOptions) => {
  const { perCaller, perProcess } = limits;
  const open = new Set<Stoppable>();
  /** The number of open streams by the name of their owner. */
  const counts = new Map<string, number>();
  let isStopped = false;

  const requireFree = ({ name, kind }: StreamOwner): void => {
    if ((counts.get(name) ?? 0) >= perCaller) {
      const message =
        kind === 'service'
          ? `This service has ${perCaller} open subscriptions, which is the limit. Close one, or share one between the parts of the service.`
          : `This person has ${perCaller} open subscriptions, which is the limit. Close other tabs, or let hidden tabs close their subscriptions.`;
      throw new AppError('overloaded', { message, retryAfterSeconds, isOwnLimit: true });
    }
    if (open.size < perProcess) return;
    throw new AppError('overloaded', {
      message: `This replica has ${perProcess} open subscriptions, which is the limit. Try again later, or run more replicas.`,
      retryAfterSeconds,
    });
  };

  return {
    /** Opens a stream. Throws `overloaded` above a limit, and `token_expired`. */
    open<Event>({
      owner,
      signal,
      events,
      onSessionEnd,
    }: OpenStreamOptions<Event>): AsyncIterable<Event | StreamPosition> {
      requireFree(owner);
      const verified = owner.kind === 'person' ? owner.verified : null;
      const expired = (): StreamEnd<Event | StreamPosition> | null =>
        verified !== null && now() >= verified.expiresAtMs ? { error: new AppError('token_expired') } : null;
      const releases: Array<() => void> = [];
      const stream = createLiveStream<Event | StreamPosition>({
        start: events,
        endBeforeEvent: expired,
        onClose() {
          open.delete(stream);
          const left = (counts.get(owner.name) ?? 1) - 1;
          if (left === 0) counts.delete(owner.name);
          else counts.set(owner.name, left);
          for (const release of releases) release();
          signal?.removeEventListener('abort', stream.close);
        },
      });
      open.add(stream);
      counts.set(owner.name, (counts.get(owner.name) ?? 0) + 1);
      signal?.addEventListener('abort', stream.close);
      if (signal?.aborted === true) stream.close();
      else if (isStopped) stream.end({ error: new StoppedError() });
      else if (verified !== null) {
        const onExpiry = () => {
          const ending = expired();
          if (ending !== null) stream.end(ending);
        };
        const onEnd = (end: SessionEndEvent) =>
          stream.end(onSessionEnd === undefined ? { error: toError(end) } : { last: onSessionEnd(end) });
        releases.push(sweep.add(onExpiry), sessionEnds.watch(verified, onEnd));
      }
      return stream.iterator;
    },

    size: (): number => open.size,

    /** Ends all streams, and those that are opened later, so that their clients connect to another replica. */
    stop(): void {
      isStopped = true;
      for (const stream of open) stream.end({ error: new StoppedError() });
    },
  };
};

export type LiveStreams = ReturnType<typeof createLiveStreams>;
