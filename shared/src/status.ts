import { z } from 'zod';
import { schemaOf } from './schema-of.ts';

/** State of the Auth Service, and since when. `degraded`: the BFF answers from its cache. */
export interface Status {
  authService: 'up' | 'degraded' | 'down';
  since: Date;
}
export const Status = schemaOf<Status>()(
  z.object({ authService: z.enum(['up', 'degraded', 'down']), since: z.date() }),
);
