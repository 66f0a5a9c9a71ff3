import { z } from 'zod';

/** State of the Auth Service. `degraded`: the BFF answers from stale cache entries. */
export const Status = z.object({ authService: z.enum(['up', 'degraded', 'down']), since: z.date() });
export type Status = z.infer<typeof Status>;
