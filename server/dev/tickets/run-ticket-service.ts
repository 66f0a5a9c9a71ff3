import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type RunTicketServiceOptions = {
  host: string;
  port: number;
  origins: readonly string[];
  /** Hosts beside those of this machine that requests may name. */
  allowedHosts: readonly string[];
  /** The environment of the process: the variables of the guide. */
  env: Record<string, string | undefined>;
  /** Told where it ends although nobody ended it. */
  onUnexpectedExit: () => void;
};

const program = fileURLToPath(new URL('start-ticket-service.ts', import.meta.url));

/** Milliseconds that it has to end. */
const stopTimeoutMs = 3_000;

/** Starts the ticket service as a process of its own. Rejects where it ends at once, having said why on standard error. */
export const runTicketService = async (options: RunTicketServiceOptions) => {
  const { host, port, origins, allowedHosts, env, onUnexpectedExit } = options;
  const args = [
    '--host',
    host,
    '--port',
    String(port),
    ...origins.flatMap((origin) => ['--origin', origin]),
    ...allowedHosts.flatMap((allowed) => ['--allowed-host', allowed]),
  ];
  const child = fork(program, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const [first] = await Promise.race([once(child, 'message'), exited]);
  if (first !== 'listening') throw new Error('The ticket service has ended.');

  let isClosing = false;
  child.once('exit', () => {
    if (!isClosing) onUnexpectedExit();
  });
  return {
    async close(): Promise<void> {
      isClosing = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      if (child.connected) child.disconnect();
      await exited;
      clearTimeout(timer);
    },
  };
};

export type TicketServiceProcess = Awaited<ReturnType<typeof runTicketService>>;
