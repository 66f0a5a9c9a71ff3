import { Counter, Registry } from 'prom-client';
import type { AssignmentEvent } from './assignment/engine.ts';

/** What is counted, for Prometheus. Label values are bounded: never a person, a key, or what a client may make up. */
export const createMetrics = () => {
  const registry = new Registry();
  const assignments = new Counter({
    name: 'auth_bff_assignments_total',
    help: 'Turns that were asked for, by how that ended.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  return {
    countAssignment: ({ outcome }: Pick<AssignmentEvent, 'outcome'>): void => assignments.inc({ outcome }),
    contentType: registry.contentType,
    /** In Prometheus's text format. */
    text: (): Promise<string> => registry.metrics(),
  };
};

export type Metrics = ReturnType<typeof createMetrics>;
