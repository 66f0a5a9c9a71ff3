import { createApp } from '../../../server/src/app.ts';
import { loadConfig } from '../../../server/src/config.ts';

// A process of the service for tests of what several of them do together. As main.ts, but it gives up on nothing and
// refuses nothing because the machine is busy.
const patientMs = 60_000;
const app = await createApp({
  config: loadConfig(process.env),
  createDeadline: () => AbortSignal.timeout(patientMs),
  redisTimeoutMs: patientMs,
  startRedisTimer: (task) => {
    const timer = setTimeout(task, patientMs);
    return () => clearTimeout(timer);
  },
  isOverloaded: () => false,
  // One person gives all turns of a test.
  assignmentLimits: { keysPerPersonPerHour: 1_000_000, keysPerRotationPerHour: 1_000_000 },
});
process.stdout.write(`Listening on ${await app.listen()}\n`);
