import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forkOptionsFor } from './fork-on-core.ts';

export type PeerOptions = {
  script: string;
  env?: Record<string, string>;
  execArgv?: string[];
  /** Whether the process is pinned to the core for servers. Default false. */
  hasOwnCore?: boolean;
};

/** Clock ticks per second in /proc (USER_HZ), which is 100 on Linux. */
const ticksPerSecond = 100;

/** Starts a server as a separate process, as in production. It logs to a file. */
export const startPeer = async ({ script, env = {}, execArgv = [], hasOwnCore = false }: PeerOptions) => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const output = openSync(join(folder, 'output'), 'w');
  const child = fork(fileURLToPath(new URL(`peers/${script}`, import.meta.url)), {
    ...(hasOwnCore ? forkOptionsFor('measured', execArgv) : { execArgv }),
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...env },
    stdio: ['ignore', output, 'inherit', 'ipc'],
  });
  closeSync(output);
  const [firstMessage] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [
    { port: number } | number,
  ];
  if (typeof firstMessage === 'number')
    throw new Error(`The peer ${script} exited with ${firstMessage} before it listened.`);
  const { pid = 0 } = child;

  return {
    port: firstMessage.port,
    pid,
    /** CPU seconds used since its start. */
    cpuSeconds(): number {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    },
    /** Bytes of heap and external memory after garbage collection. Needs `--expose-gc`. */
    async retainedBytes(): Promise<number> {
      child.send('retained');
      const [bytes] = (await once(child, 'message')) as [number];
      return bytes;
    },
    [Symbol.dispose]() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export type Peer = Awaited<ReturnType<typeof startPeer>>;
