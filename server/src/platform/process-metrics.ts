import { monitorEventLoopDelay, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** NodeGCPerformanceDetail's `kind`. Source: node:perf_hooks, `constants`. */
const gcKinds: Readonly<Record<number, string>> = { 1: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' };

/** How often the event loop is looked at. */
const lookEveryMs = 10;

/** Node measures from one look to the next: what is over the time between them is delay. */
const toDelaySeconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - lookEveryMs / 1000);

/**
 * How the process is: the most used of prom-client's default metrics, by the same names. Not `collectDefaultMetrics`:
 * that measures on after the app is closed, and there may be several apps in a process.
 */
export const registerProcessMetrics = (registry: Registry): { close: () => void } => {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });

  const startedAtSeconds = Math.round(Date.now() / 1000 - process.uptime());

  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the process.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  gauge('process_start_time_seconds', 'When the process started, since the epoch.', () => startedAtSeconds);
  gauge('process_resident_memory_bytes', 'Memory of the process that is not swapped out.', () =>
    process.memoryUsage.rss(),
  );
  gauge('nodejs_heap_size_total_bytes', "Node's heap.", () => process.memoryUsage().heapTotal);
  gauge('nodejs_heap_size_used_bytes', "What of Node's heap is in use.", () => process.memoryUsage().heapUsed);
  gauge('nodejs_external_memory_bytes', "Node's memory outside its heap.", () => process.memoryUsage().external);
  gauge(
    'nodejs_active_resources',
    'What keeps the event loop alive: sockets, timers and so on.',
    () => process.getActiveResourcesInfo().length,
  );

  const delay = monitorEventLoopDelay({ resolution: lookEveryMs });
  delay.enable();
  // Of the time since the last scrape: the longest is read, and put back, after the others.
  for (const percent of [50, 90, 99]) {
    gauge(
      `nodejs_eventloop_lag_p${percent}_seconds`,
      `The event loop's delay that ${percent} of 100 stay under, since the last scrape.`,
      () => toDelaySeconds(delay.percentile(percent)),
    );
  }
  gauge('nodejs_eventloop_lag_max_seconds', "The event loop's longest delay since the last scrape.", () => {
    const { max } = delay;
    delay.reset();
    return toDelaySeconds(max);
  });

  const gcSeconds = new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'How long garbage collections took, by kind.',
    labelNames: ['kind'],
    buckets: [0.001, 0.01, 0.1, 1, 2, 5],
    registers: [registry],
  });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as PerformanceEntry & { detail?: { kind?: number } };
      gcSeconds.observe({ kind: gcKinds[detail?.kind ?? 0] ?? 'other' }, entry.duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });

  new Gauge({
    name: 'nodejs_version_info',
    help: "Node's version.",
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: process.version }, 1);

  return {
    close(): void {
      delay.disable();
      observer.disconnect();
    },
  };
};
