import type { Dialect } from '../../server/dev/auth-service/auth-service.ts';
import { freePort, runProcess } from '../support/processes/run-process.ts';

export type DeskCounts = { bff: number; upstream: number; refreshes: number; byEndpoint: Record<string, number> };

export type StartDeskOptions = {
  /** Default `guide`. */
  dialect?: Dialect;
};

/** Starts everything that `npm run dev` starts, on free ports, with a built page. */
export const startDesk = async ({ dialect = 'guide' }: StartDeskOptions = {}) => {
  const [bff, authService, control, tickets, ops] = await Promise.all(Array.from({ length: 5 }, () => freePort()));
  const ports = { 'auth-service-port': authService, 'control-port': control, 'tickets-port': tickets };
  const args = [
    'server/dev/start.ts',
    '--dialect',
    dialect,
    ...Object.entries(ports).flatMap(([name, port]) => [`--${name}`, String(port)]),
  ];
  const process = runProcess({ args, env: { PORT: String(bff), OPS_PORT: String(ops) } });
  await process.printed(/The help desk is ready|Building the help desk page failed[^]*/);
  const url = `http://localhost:${bff}`;

  return {
    url,
    ticketsUrl: `http://localhost:${tickets}`,
    output: process.output,
    counts: async (): Promise<DeskCounts> => (await fetch(`${url}/dev/counts`)).json() as Promise<DeskCounts>,
    /** Removes all simulated faults of the Auth Service. */
    async mend(): Promise<void> {
      await fetch(`${url}/dev/fault`, { method: 'DELETE', headers: { 'x-csrf': '1' } });
    },
    [Symbol.asyncDispose]: process[Symbol.asyncDispose],
  };
};

export type RunningDesk = Awaited<ReturnType<typeof startDesk>>;
