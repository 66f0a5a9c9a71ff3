import { z } from 'zod';

/** How the Auth Service is, and since when: `degraded` where the BFF answers from what it still knows. */
export const Status = z.object({ authService: z.enum(['up', 'degraded', 'down']), since: z.date() });
export type Status = z.infer<typeof Status>;
