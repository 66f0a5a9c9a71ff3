import { staff } from '../../server/dev/auth-service/people/people.ts';
import { sumOf } from '../support/output/exposition.ts';
import { createBalancer } from './load/balancer.ts';
import { createSoakClient } from './load/soak-client.ts';
import { createLedger } from './results/call-statistics.ts';
import { runLoad } from './load/run-load.ts';
import { openPages } from './open-pages.ts';
import type { SoakOptions } from './read-options.ts';
import { createPacer } from './load/pacer.ts';
import { planRun } from './scenario/plan-run.ts';
import { toReport } from './results/to-report.ts';
import { runScenario } from './scenario/run-scenario.ts';
import { startStack } from './scenario/start-stack.ts';
import { violationsOf } from './results/find-violations.ts';
import { watchMachine } from './scenario/watch-cpu-starvation.ts';

const mayTakePart = staff.filter(
  ({ is_active: isActive, second_factor: hasSecondFactor, captcha, locked, status }) =>
    isActive && !hasSecondFactor && !captcha && !locked && status === 'Approved',
);

const refreshOutcomes = ['exchanged', 'shared', 'superseded', 'ended', 'refused', 'unavailable'];

export type RunSoakOptions = SoakOptions & {
  /** Told one or more lines at a time: what happens, and the report. */
  print: (text: string) => void;
};

/** Runs replicas under load while what they depend on fails. Resolves with all that was not fulfilled, one sentence each. */
export const runSoak = async ({ print, ...options }: RunSoakOptions): Promise<string[]> => {
  const plan = planRun(options.seconds);
  print(
    `A soak of ${options.seconds} s, after ${plan.signInMs / 1_000} s in which all sign in: ${options.rate} calls a second by ${options.clients} clients, ${options.replicas} replicas, ${options.dialect} dialect.`,
  );
  openPages();
  await using stack = await startStack({ ...options, accessLifetimeSeconds: plan.accessLifetimeSeconds });
  const clock = () => performance.now();
  const balancer = createBalancer(stack.replicas.map(({ url }) => url));
  const signedOut: string[] = [];
  const refusals: Record<string, number> = {};
  const clients = Array.from({ length: options.clients }, (_, index) => {
    const person = mayTakePart[index % mayTakePart.length];
    if (person === undefined) throw new Error('The seed data has nobody to sign in.');
    return createSoakClient({
      number: index + 1,
      person,
      balancer,
      clock,
      onSignedOut: (line) => signedOut.push(line),
      onRefusal: (reason) => {
        refusals[reason] = (refusals[reason] ?? 0) + 1;
      },
    });
  });

  const ledger = createLedger({ clock });
  let endBusy = () => {};
  await using machine = watchMachine({
    urls: () => stack.replicas.filter((replica) => replica.isRunning()).map(({ url }) => url),
    clock,
    onChange: (isBusy) => {
      if (isBusy) endBusy = ledger.begin('machine busy');
      else endBusy();
    },
  });
  const pacer = createPacer({ clock, isBusy: machine.isBusy, maxHeldMs: plan.endsAtMs * 5 });
  const startedAtMs = clock();
  const cpuBefore = process.cpuUsage();
  const over = new AbortController();
  const forgetting = setInterval(() => void stack.forgetCalls().catch(() => {}), 10_000);
  const [load, { feltFaults, middle, end }] = await Promise.all([
    runLoad({ clients, ledger, pacer, clock, rate: options.rate, signInMs: plan.signInMs, signal: over.signal }),
    runScenario({ stack, balancer, plan, ledger, pacer, print }).finally(() => over.abort()),
  ]).finally(() => clearInterval(forgetting));
  const tookSeconds = (clock() - startedAtMs) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);

  const scrapes = await Promise.all(stack.replicas.map(({ scrape }) => scrape()));
  const sumOfAll = (name: string, labels: Record<string, string>) =>
    scrapes.reduce((sum, families) => sum + sumOf(families, name, labels), 0);
  const refreshes = Object.fromEntries(
    refreshOutcomes.map((outcome) => [outcome, sumOfAll('auth_bff_refreshes_total', { outcome })]),
  );
  const memory = stack.replicas.map(({ name }, index) => ({
    replica: name,
    middleBytes: middle[index]?.usedBytes ?? 0,
    endBytes: end[index]?.usedBytes ?? 0,
    endRssBytes: end[index]?.rssBytes ?? 0,
  }));
  const cpuSeconds = Object.fromEntries([
    ['the load', (user + system) / 1e6],
    ...stack.replicas.map(({ name }, index) => [name, sumOf(scrapes[index] ?? [], 'process_cpu_seconds_total')]),
  ]) as Record<string, number>;
  const [phases, failures, heldSeconds] = [ledger.phases(), ledger.failures(), pacer.heldMs() / 1_000];
  print(toReport({ phases, failures, memory, tookSeconds, heldSeconds, cpuSeconds, refreshes, refusals }));

  let workingSessions = 0;
  for (const client of clients) workingSessions += (await client.works()) ? 1 : 0;
  for (const { session } of clients) session.dispose();
  const violations = violationsOf({
    plannedCalls: load.made,
    answeredCalls: load.answered,
    failures,
    clients: clients.length,
    signedOut,
    rateLimited: refusals.rate_limited ?? 0,
    workingSessions,
    refreshes: refreshes.exchanged ?? 0,
    memory,
    feltFaults,
    plannedFaults: [...new Set(plan.faults.map(({ name }) => name))],
  });
  const died = stack.replicas.filter((replica) => replica.hasDied()).map(({ name }) => `${name} ended by itself.`);
  if (violations.length + died.length > 0) {
    for (const { name, output } of stack.replicas) print(`The last warnings of ${name}:\n${output().slice(-4_000)}`);
  }
  return [...violations, ...died];
};
