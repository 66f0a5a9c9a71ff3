import { setMaxListeners } from 'node:events';
import { staff } from '../../server/dev/auth-service/people/people.ts';
import { sumOf } from '../support/output/exposition.ts';
import { createBalancer } from './load/balancer.ts';
import { createSoakClient } from './load/soak-client.ts';
import { createCallStatistics } from './results/call-statistics.ts';
import { runLoad } from './load/run-load.ts';
import type { SoakOptions } from './read-options.ts';
import { createPacer } from './load/pacer.ts';
import { planRun } from './scenario/plan-run.ts';
import { toReport } from './results/to-report.ts';
import { runScenario } from './scenario/run-scenario.ts';
import { startStack } from './scenario/start-stack.ts';
import { findViolations } from './results/find-violations.ts';
import { watchCpuStarvation } from './scenario/watch-cpu-starvation.ts';

const usableStaff = staff.filter(
  ({ is_active: isActive, second_factor: hasSecondFactor, captcha, locked, status }) =>
    isActive && !hasSecondFactor && !captcha && !locked && status === 'Approved',
);

const refreshOutcomes = ['exchanged', 'shared', 'superseded', 'ended', 'refused', 'unavailable'];

/**
 * Makes the client package treat this process as a visible browser page, so that it refreshes sessions by timers. All
 * clients share the page; they share no tabs, locks or channels.
 */
const emulateVisiblePage = (): void => {
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const window = Object.assign(new EventTarget(), { document });
  // Each client adds a listener.
  setMaxListeners(0, document, window);
  Object.assign(globalThis, { window, document });
};

export type RunSoakOptions = SoakOptions & {
  /** Receives progress lines and the report. */
  print: (text: string) => void;
};

/** Runs replicas under load while their dependencies fail. Resolves with the violations, one sentence each. */
export const runSoak = async ({ print, ...options }: RunSoakOptions): Promise<string[]> => {
  const plan = planRun(options.seconds);
  print(
    `Soak test of ${options.seconds} s after a sign-in phase of ${plan.signInMs / 1_000} s: ${options.rate} calls per second by ${options.clients} clients, ${options.replicas} replicas, ${options.dialect} dialect.`,
  );
  emulateVisiblePage();
  await using stack = await startStack({ ...options, accessLifetimeSeconds: plan.accessLifetimeSeconds });
  const monotonicNow = () => performance.now();
  const balancer = createBalancer(stack.replicas.map(({ url }) => url));
  const signedOut: string[] = [];
  const errorReasons: Record<string, number> = {};
  const clients = Array.from({ length: options.clients }, (_, index) => {
    const person = usableStaff[index % usableStaff.length];
    if (person === undefined) throw new Error('The seed data has no person to sign in as.');
    return createSoakClient({
      number: index + 1,
      person,
      balancer,
      monotonicNow,
      onSignedOut: (line) => signedOut.push(line),
      onErrorReason: (reason) => {
        errorReasons[reason] = (errorReasons[reason] ?? 0) + 1;
      },
    });
  });

  const statistics = createCallStatistics({ monotonicNow });
  let endStarvation = () => {};
  await using starvation = watchCpuStarvation({
    urls: () => stack.replicas.filter((replica) => replica.isRunning()).map(({ url }) => url),
    monotonicNow,
    onChange: (isStarved) => {
      if (isStarved) endStarvation = statistics.begin('CPU starved');
      else endStarvation();
    },
  });
  const pacer = createPacer({ monotonicNow, isStarved: starvation.isStarved, maxPausedMs: plan.endsAtMs * 5 });
  const startedAtMs = monotonicNow();
  const cpuBefore = process.cpuUsage();
  const loadEnd = new AbortController();
  const clearing = setInterval(() => void stack.clearRecordedCalls().catch(() => {}), 10_000);
  const [load, { observedFaults, middle, end }] = await Promise.all([
    runLoad({
      clients,
      statistics,
      pacer,
      monotonicNow,
      rate: options.rate,
      signInMs: plan.signInMs,
      signal: loadEnd.signal,
    }),
    runScenario({ stack, balancer, plan, statistics, pacer, print }).finally(() => loadEnd.abort()),
  ]).finally(() => clearInterval(clearing));
  const tookSeconds = (monotonicNow() - startedAtMs) / 1_000;
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
  const [phases, failures, pausedSeconds] = [statistics.phases(), statistics.failures(), pacer.pausedMs() / 1_000];
  print(toReport({ phases, failures, memory, tookSeconds, pausedSeconds, cpuSeconds, refreshes, errorReasons }));

  let workingSessions = 0;
  for (const client of clients) workingSessions += (await client.hasWorkingSession()) ? 1 : 0;
  for (const { session } of clients) session.dispose();
  const violations = findViolations({
    plannedCalls: load.made,
    answeredCalls: load.answered,
    failures,
    clients: clients.length,
    signedOut,
    rateLimited: errorReasons.rate_limited ?? 0,
    workingSessions,
    refreshes: refreshes.exchanged ?? 0,
    memory,
    observedFaults,
    plannedFaults: [...new Set(plan.faults.map(({ name }) => name))],
  });
  const died = stack.replicas.filter((replica) => replica.hasDied()).map(({ name }) => `${name} exited unexpectedly.`);
  if (violations.length + died.length > 0) {
    for (const { name, output } of stack.replicas) print(`Last warnings of ${name}:\n${output().slice(-4_000)}`);
  }
  return [...violations, ...died];
};
