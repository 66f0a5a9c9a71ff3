export const faultNames = ['replica killed', 'Auth Service down', 'Redis stopped'] as const;
export type FaultName = (typeof faultNames)[number];

/** `fromMs` is load time. The fault lasts `toMs - fromMs` of wall-clock time. */
export type Fault = { name: FaultName; fromMs: number; toMs: number; round: number };

export type Plan = {
  /** Lifetime of access tokens. Clients refresh after half of it. */
  accessLifetimeSeconds: number;
  /** Milliseconds of load during which clients sign in one after the other, which spreads their refreshes over the run. */
  signInMs: number;
  faults: Fault[];
  /** Load time of the first memory measurement, in milliseconds. The second one is at the end. */
  memoryAtMs: number;
  /** Total milliseconds of load. */
  endsAtMs: number;
};

const between = (least: number, value: number, most: number) => Math.min(most, Math.max(least, value));

/**
 * Plans the faults of a run, after the sign-in phase. In 600 s: a replica is killed, the Auth Service is down for 20 s and
 * Redis is stopped for 10 s. The last two are repeated in the second half, so that memory leaked by a fault shows between the
 * two measurements. A run of less than five minutes has one round and shorter faults.
 */
export const planRun = (seconds: number): Plan => {
  const isLong = seconds >= 300;
  // The deployed Auth Service refreshes only with a valid access token. Half of the lifetime must be longer than the outage
  // of the Auth Service plus the retry delay of a client whose refresh failed.
  const accessLifetimeSeconds = isLong ? 180 : 60;
  const signInMs = (accessLifetimeSeconds / 2) * 1_000;
  const longSeconds = between(5, seconds / 30, 20);
  const shortSeconds = between(3, seconds / 60, 10);
  const atLoadMs = (share: number) => signInMs + Math.round(seconds * share * 1_000);
  const fault = (name: FaultName, share: number, forSeconds: number, round: number): Fault => {
    const fromMs = atLoadMs(share);
    return { name, fromMs, toMs: fromMs + Math.round(forSeconds * 1_000), round };
  };
  return {
    accessLifetimeSeconds,
    signInMs,
    faults: isLong
      ? [
          fault('replica killed', 0.04, shortSeconds, 1),
          fault('Auth Service down', 0.12, longSeconds, 1),
          fault('Redis stopped', 0.24, shortSeconds, 1),
          fault('Auth Service down', 0.6, longSeconds, 2),
          fault('Redis stopped', 0.75, shortSeconds, 2),
        ]
      : [
          fault('replica killed', 0.02, shortSeconds, 1),
          fault('Auth Service down', 0.2, longSeconds, 1),
          fault('Redis stopped', 0.5, shortSeconds, 1),
        ],
    memoryAtMs: atLoadMs(isLong ? 0.5 : 0.7),
    endsAtMs: atLoadMs(1),
  };
};
