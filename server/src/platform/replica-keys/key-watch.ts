import { randomUUID } from 'node:crypto';
import type { Log } from '../log.ts';
import type { StartTimer } from '../start-timer.ts';
import { compareKeys, type KeyComparison, type KeyVariable } from './compare-keys.ts';
import type { KeyFingerprints } from './key-fingerprints.ts';
import type { KeyRegistry } from './key-registry.ts';

export type KeyWatchOptions = {
  registry: KeyRegistry;
  keys: KeyFingerprints;
  log: Log;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Starts the timer of the next comparison. Default: `setTimeout`, which does not keep the process running. */
  startTimer?: StartTimer | undefined;
};

const everyMs = 60_000;
const repeatEveryMs = 3_600_000;

const startSystemTimer: StartTimer = (task, ms) => {
  const timer = setTimeout(task, ms).unref();
  return () => clearTimeout(timer);
};

/** Each is a symptom, its cause and an action. */
const differentMessages: Record<KeyVariable, string> = {
  SEALING_KEY:
    "Replicas do not find each other's sign-outs, refreshes and second factors: SEALING_KEY of this replica differs from that of other running replicas. Set SEALING_KEY to one value in all of them (if it is not set, it derives from DJANGO_JWT_SIGNING_KEY), or give each environment its own REDIS_PREFIX.",
  DJANGO_JWT_SIGNING_KEY:
    'Some replicas refuse sessions that others accept: DJANGO_JWT_SIGNING_KEY of this replica differs from that of other running replicas, and neither accepts the other key. Set DJANGO_JWT_SIGNING_KEY to the key of the Auth Service in all of them, or give each environment its own REDIS_PREFIX.',
};
const changingMessage =
  'Some replicas will refuse tokens that are signed with the new key: a change of DJANGO_JWT_SIGNING_KEY has not reached all running replicas. Restart the others with the new key before the Auth Service signs with it.';

type Watched = { comparison: KeyComparison; loggedAtMs: number };

/**
 * Compares the keys of this replica with those of all running replicas, at start and every minute. Each replica with a
 * different key looks healthy, but together they sign people out at random and miss sign-outs. A difference is logged when
 * it appears, every hour while it lasts, and when it ends. During an outage of Redis, nothing is compared.
 */
export const createKeyWatch = (options: KeyWatchOptions) => {
  const { registry, keys, log, monotonicNow, startTimer = startSystemTimer } = options;
  const id = randomUUID();
  const watched = new Map<KeyVariable, Watched>();
  let cancelTimer = () => {};
  let isComparing = false;
  let isClosed = false;

  const logComparison = ({ variable, agreement, replicas, differing }: KeyComparison): void => {
    const fields = { variable, replicas, differing };
    if (agreement === 'same') {
      log.info(fields, `${variable} of this replica no longer differs from that of any running replica.`);
    } else if (agreement === 'changing') log.warn(fields, changingMessage);
    else log.error(fields, differentMessages[variable]);
  };

  const note = (comparison: KeyComparison): void => {
    const { variable, agreement } = comparison;
    const before = watched.get(variable);
    const isChange = agreement !== (before?.comparison.agreement ?? 'same');
    const isDue = agreement !== 'same' && before !== undefined && monotonicNow() - before.loggedAtMs >= repeatEveryMs;
    const isLogged = isChange || isDue;
    if (isLogged) logComparison(comparison);
    watched.set(variable, {
      comparison,
      loggedAtMs: isLogged ? monotonicNow() : (before?.loggedAtMs ?? monotonicNow()),
    });
  };

  const compare = async (): Promise<void> => {
    if (isComparing || isClosed) return;
    isComparing = true;
    cancelTimer();
    // An outage of Redis is logged elsewhere, and says nothing about the keys.
    const others = await registry.announce(id, keys).catch(() => null);
    isComparing = false;
    if (isClosed) return;
    if (others !== null) for (const comparison of compareKeys(keys, others)) note(comparison);
    cancelTimer = startTimer(() => void compare(), everyMs);
  };

  return {
    /** Starts comparing. If Redis is not ready yet, the first comparison runs once it is. */
    start(): void {
      registry.onReady(() => void compare());
      void compare();
    },
    /** Whether a variable differs from that of a running replica. */
    mismatches: (): Array<[KeyVariable, boolean]> =>
      compareKeys(keys, []).map(({ variable }) => [
        variable,
        watched.get(variable)?.comparison.agreement === 'different',
      ]),
    /** Stops comparing, and removes this replica from the registry if Redis is available. */
    close(): void {
      isClosed = true;
      cancelTimer();
      registry.remove(id).catch(() => {});
    },
  };
};
