import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type RunTicketServiceOptions = {
  host: string;
  port: number;
  bffUrl: string;
  /** The issuer of assertions. */
  issuer: string;
  origins: readonly string[];
  /** Hosts that requests may have in the Host header, in addition to this machine's. */
  allowedHosts: readonly string[];
  /** Environment of the process. It needs no variable of the BFF. */
  env: Record<string, string | undefined>;
  /** Called if the process exits without `close`. */
  onUnexpectedExit: () => void;
};

const program = fileURLToPath(new URL('start-ticket-service.ts', import.meta.url));

/** Milliseconds after which a process that does not stop is killed. */
const stopTimeoutMs = 3_000;

/** Starts the ticket service as a child process. Rejects if the process exits before it listens; it prints the reason itself. */
export const runTicketService = async (options: RunTicketServiceOptions) => {
  const { host, port, bffUrl, issuer, origins, allowedHosts, env, onUnexpectedExit } = options;
  const args = [
    '--host',
    host,
    '--port',
    String(port),
    '--bff-url',
    bffUrl,
    '--issuer',
    issuer,
    ...origins.flatMap((origin) => ['--origin', origin]),
    ...allowedHosts.flatMap((allowed) => ['--allowed-host', allowed]),
  ];
  const child = fork(program, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const [first] = await Promise.race([once(child, 'message'), exited]);
  if (first !== 'listening') throw new Error('The ticket service exited before it listened.');

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
