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
  /** Whether it stays on one core, as what is measured by its work does. Default false. */
  hasOwnCore?: boolean;
};

/** Ticks of /proc's clock in a second, as Linux has it on every machine of today. */
const ticksPerSecond = 100;

/** A server in a process of its own, as in production. It logs into a file, as where its output is kept. */
export const startPeer = async ({ script, env = {}, execArgv = [], hasOwnCore = false }: PeerOptions) => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const output = openSync(join(folder, 'output'), 'w');
  const child = fork(fileURLToPath(new URL(`peers/${script}`, import.meta.url)), {
    ...(hasOwnCore ? forkOptionsFor('measured', execArgv) : { execArgv }),
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...env },
    stdio: ['ignore', output, 'inherit', 'ipc'],
  });
  closeSync(output);
  const [told] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [{ port: number } | number];
  if (typeof told === 'number') throw new Error(`The peer ${script} ended with ${told} before it listened.`);
  const { pid = 0 } = child;

  return {
    port: told.port,
    pid,
    /** Seconds of CPU that it has used so far. */
    cpuSeconds(): number {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    },
    /** Bytes that it keeps: of its heap and beside it, once what is garbage is gone. Needs `--expose-gc`. */
    async keptBytes(): Promise<number> {
      child.send('kept');
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
