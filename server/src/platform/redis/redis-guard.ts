import type { Cluster, Redis } from 'ioredis';
import { toRedisCause } from './redis-errors.ts';

/** Runs `task` after so many milliseconds, unless it is cancelled by what is returned. */
export type StartTimer = (task: () => void, ms: number) => () => void;

const startSystemTimer: StartTimer = (task, ms) => {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
};

export type RedisGuardOptions = {
  redis: Redis | Cluster;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: (() => number) | undefined;
  /** Starts the timer of a command that is waited for. Default `setTimeout`. */
  startTimer?: StartTimer | undefined;
  /** How long a command is waited for. Default 250 ms. */
  patienceMs?: number;
  /** How long nothing is asked after a command that was not answered. Default 1,000 ms. */
  restMs?: number;
  /** Told of each command that was not answered, and why. */
  onSilence?: ((cause: string) => void) | undefined;
  /** Told of the first answer after such a command. */
  onAnswer?: (() => void) | undefined;
  /** Told what Redis refuses and why, once a minute at most. */
  onRefusal?: ((cause: string) => void) | undefined;
};

/** How long a connection may be silent before another one is made: of a peer that is gone the kernel tells after 15 minutes. */
const reconnectAfterMs = 5_000;
const refusalsToldEveryMs = 60_000;

/** The connections that commands are written to: of a cluster, one to each master. Undefined: not connected yet. */
const streamsOf = (redis: Redis | Cluster): Array<Redis['stream'] | undefined> =>
  'nodes' in redis ? redis.nodes('master').map(({ stream }) => stream) : [redis.stream];

/**
 * Redis for what can do without it for a while: where it is away or hangs, the answer is null, and soon. One caller
 * a second finds out whether it is back, and no other waits. Where it refuses a command (it is full, or takes no writes)
 * that answer alone is null: what it does answer counts.
 */
export const createRedisGuard = (options: RedisGuardOptions) => {
  const { redis, monotonicNow = () => performance.now(), patienceMs = 250, restMs = 1_000 } = options;
  const { startTimer = startSystemTimer, onSilence, onAnswer, onRefusal } = options;
  let silence: { sinceMs: number; restsUntilMs: number; isProbed: boolean } | null = null;
  let refusalToldAtMs = Number.NEGATIVE_INFINITY;

  const noteSilence = (cause: string) => {
    const atMs = monotonicNow();
    silence = { sinceMs: silence?.sinceMs ?? atMs, restsUntilMs: atMs + restMs, isProbed: false };
    onSilence?.(cause);
    if (redis.status === 'ready' && atMs - silence.sinceMs >= reconnectAfterMs) {
      silence.sinceMs = atMs;
      redis.disconnect(true);
    }
  };

  const noteAnswer = () => {
    if (silence !== null) onAnswer?.();
    silence = null;
  };

  const noteRefusal = (cause: string) => {
    noteAnswer();
    if (monotonicNow() - refusalToldAtMs < refusalsToldEveryMs) return;
    refusalToldAtMs = monotonicNow();
    onRefusal?.(cause);
  };

  /** An error reply is an answer too. */
  const noteFailure = ({ name, message }: Error) => {
    if (name === 'ReplyError') noteRefusal(toRedisCause(message));
    else noteSilence(toRedisCause(message));
  };

  /** Whether a caller may ask now. The first one after a rest finds out for all. */
  const mayAsk = (): boolean => {
    if (silence === null) return true;
    if (silence.isProbed || monotonicNow() < silence.restsUntilMs) return false;
    silence.isProbed = true;
    return true;
  };

  /** Called once the commands of this turn of the event loop are written. Null: none has been asked yet. */
  let afterWrite: Array<() => void> | null = null;
  /**
   * Has all commands of this turn of the event loop written at its end, in one system call: that costs more than a
   * command does. Then calls `onWritten`.
   */
  const writeAtEndOfTurn = (onWritten: () => void): void => {
    if (afterWrite !== null) {
      afterWrite.push(onWritten);
      return;
    }
    const tasks = [onWritten];
    afterWrite = tasks;
    const streams = streamsOf(redis);
    for (const stream of streams) stream?.cork();
    setImmediate(() => {
      afterWrite = null;
      for (const stream of streams) stream?.uncork();
      for (const task of tasks) task();
    });
  };

  /** Commands that go out together: one decision whether to ask at all, one timer, and for each command its own answer. */
  const openRound = (critical: boolean) => {
    const waitMs = critical ? 4 * patienceMs : patienceMs;
    let isAsked: boolean | null = null;
    /** Ends the wait for each command that has no answer yet. */
    const waiting = new Set<() => void>();
    let cancelTimer = () => {};

    const giveUp = () => {
      if (waiting.size === 0) return;
      noteSilence(`no answer within ${waitMs} ms`);
      for (const leave of waiting) leave();
      waiting.clear();
    };
    /** Only what Redis takes counts, and not the turn before its commands are written. */
    const startWaiting = () => {
      // Of a process that was busy for so long the answer may have come, and be read in this very turn.
      if (waiting.size > 0) cancelTimer = startTimer(() => setImmediate(giveUp), waitMs);
    };
    const begin = (): boolean => {
      if (isAsked === null) {
        isAsked = critical || mayAsk();
        if (isAsked) writeAtEndOfTurn(startWaiting);
      }
      return isAsked;
    };

    return <Answer>(command: () => Promise<Answer>): Promise<Answer | null> =>
      new Promise((resolve) => {
        const leave = () => resolve(null);
        const end = (note: () => void, answer: Answer | null) => {
          if (!waiting.delete(leave)) return;
          if (waiting.size === 0) cancelTimer();
          note();
          resolve(answer);
        };
        if (!begin()) return leave();
        waiting.add(leave);
        const fail = (error: Error) => end(() => noteFailure(error), null);
        try {
          command().then((answer) => end(noteAnswer, answer), fail);
        } catch (error) {
          // As of a client that was closed.
          fail(error as Error);
        }
      });
  };
  type Round = ReturnType<typeof openRound>;
  /** What `together` asks in. */
  let shared: Round | null = null;

  /**
   * The command's answer, or null where there is none. Never rejects. `critical`: asks also right after a silence, and
   * waits four times as long, for where to go on without an answer may cost a session.
   */
  const ask = <Answer extends object | string | number>(
    command: () => Promise<Answer>,
    { critical = false }: { critical?: boolean } = {},
  ): Promise<Answer | null> => (critical || shared === null ? openRound(critical) : shared)(command);

  return {
    redis,
    ask,
    /**
     * Calls `start`, and asks what it asks before it returns in one round trip: the commands are written together, and
     * waited for together. Each has its own answer, or null.
     */
    together<Started>(start: () => Started): Started {
      const outer = shared;
      shared = openRound(false);
      try {
        return start();
      } finally {
        shared = outer;
      }
    },
    /** Finds out whether Redis is back, where it was silent and nobody else may ask. */
    look(): void {
      if (silence !== null) void ask(() => redis.ping());
    },
  };
};

export type RedisGuard = ReturnType<typeof createRedisGuard>;
