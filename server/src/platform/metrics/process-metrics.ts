import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/**
 * Default metrics that cannot be exposed: `promtool check metrics` rejects gauges that end in `_total`, and prom-client
 * writes `Nan` or 2^63 ns for these delays if the event loop was not measured since the last scrape.
 */
const excluded = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_lag_mean_seconds',
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_stddev_seconds',
];

/** Replaced by one series without a label: prom-client has one series for each type of resource. */
const activeResources = 'nodejs_active_resources';

const createProcessMetrics = (): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of [...excluded, activeResources]) registry.removeSingleMetric(name);
  const resources = new Gauge({
    name: activeResources,
    help: 'Resources that keep the event loop alive, such as sockets and timers.',
    registers: [registry],
    collect() {
      resources.set(process.getActiveResourcesInfo().length);
    },
  });
  return registry;
};

let created: Registry | null = null;

/**
 * `process_…` and `nodejs_…` metrics. One registry for all apps of the process: prom-client cannot stop collecting, so a
 * registry for each app would leave its event-loop timer and its garbage-collection observer behind.
 */
export const processMetrics = (): Registry => {
  created ??= createProcessMetrics();
  return created;
};
