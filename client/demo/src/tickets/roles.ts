import type { System } from './ticket-service.ts';

/** The role that receives a system's tickets. */
export const roleOf = { TTS: 'Technician', AMS: 'Manager', BMS: 'Manager', HDTS: 'Agent' } as const satisfies Record<
  System,
  string
>;
