import type { Status } from '@auth-bff/shared';
import { Gauge, type GaugeConfiguration, type Registry } from 'prom-client';
import type { BreakerState } from '../../auth-service/resilience/breaker.ts';
import type { KeyVariable } from '../replica-keys/compare-keys.ts';
import type { RedisState } from '../redis/shared-redis.ts';

/** Read at each scrape. */
export type StateSources = {
  status: () => Status;
  breakerStates: () => Iterable<readonly [endpoint: string, state: BreakerState]>;
  /** Null without Redis. */
  redis: (() => RedisState) | null;
  /** Estimated memory of rotations and assignment keys. Null: they are in Redis. */
  assignmentBytes: (() => number) | null;
  /** Whether a key differs from that of another running replica. Null without Redis: replicas compare keys through it. */
  keyMismatches: (() => Iterable<readonly [KeyVariable, boolean]>) | null;
  openSubscriptions: () => number;
  /** Whether the last sign-in or refresh of the service account failed. Null: there is no service account. */
  isServiceAccountFailing: (() => boolean) | null;
};

const breakerValues: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };
const redisStates: readonly RedisState[] = ['up', 'refusing', 'away'];
const authServiceStates: ReadonlyArray<Status['authService']> = ['unknown', 'up', 'degraded', 'down'];

/** Gauges of the state of the service, as opposed to the events that `metrics.ts` counts. */
export const addStateGauges = (registry: Registry, sources: StateSources): void => {
  const { status, breakerStates, redis, assignmentBytes, keyMismatches, openSubscriptions } = sources;
  const { isServiceAccountFailing } = sources;
  const gauge = <Label extends string>(options: GaugeConfiguration<Label>) =>
    new Gauge({ ...options, registers: [registry] });

  gauge({
    name: 'auth_bff_breaker_state',
    help: 'Circuit-breaker state of each endpoint called so far: 0 closed, 1 half open, 2 open.',
    labelNames: ['endpoint'],
    collect() {
      for (const [endpoint, state] of breakerStates()) this.set({ endpoint }, breakerValues[state]);
    },
  });
  gauge({
    name: 'auth_bff_auth_service_state',
    help: 'State of the Auth Service: 1 for the current state, 0 for the others.',
    labelNames: ['state'],
    collect() {
      const { authService } = status();
      for (const state of authServiceStates) this.set({ state }, state === authService ? 1 : 0);
    },
  });
  gauge({
    name: 'auth_bff_open_subscriptions',
    help: 'Subscriptions that are open: streams of server-sent events.',
    collect() {
      this.set(openSubscriptions());
    },
  });
  if (redis !== null) {
    gauge({
      name: 'auth_bff_redis_up',
      help: 'Whether Redis answers and accepts writes: 1 or 0.',
      collect() {
        this.set(redis() === 'up' ? 1 : 0);
      },
    });
    gauge({
      name: 'auth_bff_redis_state',
      help: 'State of Redis: 1 for the current state, 0 for the others. refusing: it answers, but rejects writes or scripts.',
      labelNames: ['state'],
      collect() {
        const current = redis();
        for (const state of redisStates) this.set({ state }, state === current ? 1 : 0);
      },
    });
  }
  if (isServiceAccountFailing !== null) {
    gauge({
      name: 'auth_bff_service_account_up',
      help: 'Whether the service account can be used: 0 from a failed sign-in or refresh until one succeeds, otherwise 1.',
      collect() {
        this.set(isServiceAccountFailing() ? 0 : 1);
      },
    });
  }
  if (assignmentBytes !== null) {
    gauge({
      name: 'auth_bff_assignment_memory_bytes',
      help: 'Estimated memory of rotations and assignment keys, in bytes.',
      collect() {
        this.set(assignmentBytes());
      },
    });
  }
  if (keyMismatches !== null) {
    gauge({
      name: 'auth_bff_key_mismatch',
      help: 'Whether a key differs from that of another running replica: 1 if it does, by variable.',
      labelNames: ['variable'],
      collect() {
        for (const [variable, differs] of keyMismatches()) this.set({ variable }, differs ? 1 : 0);
      },
    });
  }
};
