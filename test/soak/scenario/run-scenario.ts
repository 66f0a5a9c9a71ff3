import { setTimeout as delay } from 'node:timers/promises';
import type { Fault as AuthServiceFault } from '../../../server/dev/auth-service/auth-service.ts';
import { sumOf } from '../../support/output/exposition.ts';
import type { Balancer } from '../load/balancer.ts';
import { graceMs, type CallStatistics } from '../results/call-statistics.ts';
import type { Pacer } from '../load/pacer.ts';
import type { Fault, FaultName, Plan } from './plan-run.ts';
import { isRedisDown, type Memory, type Stack } from './start-stack.ts';

export type RunScenarioOptions = {
  stack: Stack;
  balancer: Balancer;
  plan: Plan;
  statistics: CallStatistics;
  pacer: Pacer;
  print: (line: string) => void;
};

/** Kinds of outage: connection reset, no response, and an error page of a proxy. */
const outageModes: readonly AuthServiceFault[] = [
  { kind: 'reset' },
  { kind: 'hang' },
  { kind: 'status', status: 503, body: 'Service Unavailable', contentType: 'text/plain' },
];

const failedCalls = async ({ replicas }: Stack): Promise<number> => {
  const scrapes = await Promise.all(replicas.map(({ scrape }) => scrape()));
  const name = 'auth_bff_upstream_call_duration_seconds_count';
  return scrapes.reduce((sum, families) => sum + sumOf(families, name, { outcome: 'unavailable' }), 0);
};

const memoryOf = ({ replicas }: Stack): Promise<Memory[]> => Promise.all(replicas.map((replica) => replica.memory()));

/** Runs the planned faults one after the other, and measures memory in the middle and at the end. */
export const runScenario = async ({ stack, balancer, plan, statistics, pacer, print }: RunScenarioOptions) => {
  const observed = new Set<FaultName>();

  const run: Record<FaultName, (fault: Fault, lastsMs: number) => Promise<void>> = {
    async 'replica killed'(_fault, lastsMs) {
      const victim = stack.replicas[1];
      if (victim === undefined) return;
      // A balancer cannot retry a POST that was sent, and killing the process would lose the response of a refresh.
      await balancer.drainPosts(victim.url);
      const before = balancer.refusedConnections();
      await victim.kill();
      await delay(lastsMs);
      await victim.start();
      if (balancer.refusedConnections() > before) observed.add('replica killed');
      balancer.open(victim.url);
    },
    async 'Auth Service down'(_fault, lastsMs) {
      const before = await failedCalls(stack);
      for (const mode of outageModes) {
        await stack.injectFault(mode);
        await delay(lastsMs / outageModes.length);
      }
      await stack.clearFaults();
      if ((await failedCalls(stack)) > before) observed.add('Auth Service down');
    },
    async 'Redis stopped'({ round }, lastsMs) {
      // Round 1: Redis accepts connections and does not answer. Round 2: it is killed and restarts from its files.
      if (round === 1) stack.redis.pause();
      else await stack.redis.stop('SIGKILL');
      await delay(lastsMs);
      const scrapes = await Promise.all(stack.replicas.map(({ scrape }) => scrape()));
      if (scrapes.some(isRedisDown)) observed.add('Redis stopped');
      if (round === 1) stack.redis.resume();
      else await stack.redis.start();
    },
  };
  const runFault = async (fault: Fault) => {
    await pacer.untilLoadMs(fault.fromMs);
    const end = statistics.begin(fault.name);
    print(`${(pacer.loadMs() / 1_000).toFixed(1)} s: ${fault.name}`);
    await run[fault.name](fault, fault.toMs - fault.fromMs);
    end();
    print(`${(pacer.loadMs() / 1_000).toFixed(1)} s: ${fault.name}, over`);
    await delay(graceMs);
  };

  const { faults, memoryAtMs, endsAtMs } = plan;
  for (const fault of faults.filter(({ fromMs }) => fromMs < memoryAtMs)) await runFault(fault);
  await pacer.untilLoadMs(memoryAtMs);
  const middle = await memoryOf(stack);
  for (const fault of faults.filter(({ fromMs }) => fromMs >= memoryAtMs)) await runFault(fault);
  // Measure while the load still runs, as in the middle.
  await pacer.untilLoadMs(endsAtMs - 2_000);
  const end = await memoryOf(stack);
  await pacer.untilLoadMs(endsAtMs);
  return { observedFaults: [...observed], middle, end };
};
