import { z } from 'zod';
import { schemaOf } from './schema-of.ts';

/** State of the Auth Service, and since when. `unknown`: nobody has asked it yet. `degraded`: the BFF answers from its cache. */
export interface Status {
  authService: 'unknown' | 'up' | 'degraded' | 'down';
  since: Date;
}
export const Status = schemaOf<Status>()(
  z.object({ authService: z.enum(['unknown', 'up', 'degraded', 'down']), since: z.date() }),
);
