import { randomInt } from 'node:crypto';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export type RunOptions = { args: string[]; env?: Record<string, string> };

/** A process of the repo's own, from source. */
export const runProcess = ({ args, env = {} }: RunOptions) =>
  runBuilt({ args: ['--conditions=source', '--import', 'tsx', ...args], env });

/** A process of Node's with an environment that holds nothing but what is given. */
export const runBuilt = ({ args, env = {} }: RunOptions) =>
  runProgram({
    program: process.execPath,
    args,
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
  });

export type ProgramOptions = {
  program: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  uid?: number;
};

/** Any program, looked up in the `PATH` of the environment given, which is all that it has. `uid`, default: who runs the tests. */
export const runProgram = ({ program, args, cwd, env, uid }: ProgramOptions) => {
  const child: ChildProcess = spawn(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let output = '';
  const waiting = new Set<() => void>();
  const keep = (chunk: Buffer) => {
    output += chunk.toString();
    for (const wake of waiting) wake();
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => keep(Buffer.from(`${error.message}\n`)));
    child.once('close', (code) => {
      resolve(code);
      for (const wake of waiting) wake();
    });
  });

  return {
    exited,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    output: () => output,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Resolves with the match once the output has it. Rejects where the process ends without. */
    printed: (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output);
          if (match === null && child.exitCode === null) return;
          waiting.delete(look);
          if (match !== null) resolve(match);
          else reject(new Error(`The process ended without printing ${pattern}:\n${output}`));
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
};

export type RunningProcess = ReturnType<typeof runProgram>;

/** Linux gives connections and listeners without a port of their own one from 32,768 on, and so none of these. */
const firstPort = 20_000;
const ports = 12_000;

const isFree = async (port: number): Promise<boolean> => {
  const holder = await holdPort(port).catch(() => null);
  await holder?.[Symbol.asyncDispose]();
  return holder !== null;
};

/**
 * A port that is free, and that nobody is given who asks for any. `withOffset`: the port that lies so much higher is free,
 * too, and below those that the system gives away.
 */
export const freePort = async ({ withOffset = 0 }: { withOffset?: number } = {}): Promise<number> => {
  for (;;) {
    const port = randomInt(firstPort, firstPort + ports - withOffset);
    if ((await isFree(port)) && (withOffset === 0 || (await isFree(port + withOffset)))) return port;
  }
};

/** A port that somebody else listens on. */
export const holdPort = async (port = 0) => {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return {
    port: address.port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
};
