import type { System } from './ticket-service.ts';

/** Who of a system works on its tickets. */
export const roleOf = { TTS: 'Technician', AMS: 'Manager', BMS: 'Manager', HDTS: 'Agent' } as const satisfies Record<
  System,
  string
>;
