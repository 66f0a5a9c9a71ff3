import type { Cluster, Redis } from 'ioredis';
import { toRedisCause } from './redis-errors.ts';

/** Runs `task` after so many milliseconds, unless it is cancelled by what is returned. */
export type StartTimer = (task: () => void, ms: number) => () => void;

const startSystemTimer: StartTimer = (task, ms) => {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
};

export type OptionalRedisOptions = {
  redis: Redis | Cluster;
  /** Milliseconds of a clock that only goes forward. Default `performance.now`. */
  clock?: (() => number) | undefined;
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

type Outcome<Answer> =
  | { kind: 'answered'; answer: Answer }
  | { kind: 'refused'; cause: string }
  | { kind: 'silent'; cause: string };

/** An error reply is an answer too. */
const toFailure = (error: Error): Exclude<Outcome<never>, { kind: 'answered' }> => ({
  kind: error.name === 'ReplyError' ? 'refused' : 'silent',
  cause: toRedisCause(error.message),
});

/**
 * Redis for what can do without it for a while: where it is away or hangs, the answer is null, and soon. One caller
 * a second finds out whether it is back, and no other waits. Where it refuses a command (it is full, or takes no writes)
 * that answer alone is null: what it does answer counts.
 */
export const createOptionalRedis = (options: OptionalRedisOptions) => {
  const { redis, clock = () => performance.now(), patienceMs = 250, restMs = 1_000 } = options;
  const { startTimer = startSystemTimer, onSilence, onAnswer, onRefusal } = options;
  let silence: { sinceMs: number; restsUntilMs: number; isProbed: boolean } | null = null;
  let refusalToldAtMs = Number.NEGATIVE_INFINITY;

  const outcomeOf = <Answer>(command: () => Promise<Answer>, waitMs: number): Promise<Outcome<Answer>> =>
    new Promise((resolve) => {
      // Of a process that was busy for so long the answer may have come, and be read in this very turn.
      const cancelTimer = startTimer(
        () => setImmediate(resolve, { kind: 'silent', cause: `no answer within ${waitMs} ms` }),
        waitMs,
      );
      const settle = (outcome: Outcome<Answer>) => {
        cancelTimer();
        resolve(outcome);
      };
      // A command may also throw at once, as one of a client that was closed does.
      Promise.resolve()
        .then(command)
        .then(
          (answer) => settle({ kind: 'answered', answer }),
          (error: Error) => settle(toFailure(error)),
        );
    });

  const noteSilence = (cause: string) => {
    const atMs = clock();
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
    if (clock() - refusalToldAtMs < refusalsToldEveryMs) return;
    refusalToldAtMs = clock();
    onRefusal?.(cause);
  };

  /**
   * The command's answer, or null where there is none. Never rejects. `insists`: asks also right after a silence, and
   * waits four times as long, for where to go on without an answer may cost a session.
   */
  const ask = async <Answer extends object | string | number>(
    command: () => Promise<Answer>,
    { insists = false }: { insists?: boolean } = {},
  ): Promise<Answer | null> => {
    if (!insists && silence !== null) {
      if (silence.isProbed || clock() < silence.restsUntilMs) return null;
      // This one finds out for all.
      silence.isProbed = true;
    }
    const outcome = await outcomeOf(command, insists ? 4 * patienceMs : patienceMs);
    if (outcome.kind === 'silent') noteSilence(outcome.cause);
    if (outcome.kind === 'refused') noteRefusal(outcome.cause);
    if (outcome.kind !== 'answered') return null;
    noteAnswer();
    return outcome.answer;
  };

  return {
    redis,
    ask,
    /** Finds out whether Redis is back, where it was silent and nobody else may ask. */
    look(): void {
      if (silence !== null) void ask(() => redis.ping());
    },
  };
};

export type OptionalRedis = ReturnType<typeof createOptionalRedis>;
