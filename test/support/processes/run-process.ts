import { randomInt } from 'node:crypto';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

export type RunOptions = { args: string[]; env?: Record<string, string> };

/** Where the bundle of a program is, in the folder that all of them are in. */
export const bundlePath = (folder: string, program: string): string => join(folder, program.replace(/\.ts$/, '.js'));

/** Replaces programs in the arguments by their bundles. Null: there is no bundle of the program. */
const withBundles = (args: readonly string[]): string[] | null => {
  const folder = process.env.TEST_BUNDLES;
  if (folder === undefined) return null;
  const bundled = args.map((arg) => (arg.endsWith('.ts') ? bundlePath(folder, arg) : arg));
  const replaced = bundled.filter((arg, index) => arg !== args[index]);
  return replaced.length > 0 && replaced.every((path) => existsSync(path)) ? bundled : null;
};

/** For Node: runs the bundle of the program where this run of the tests has made one, the source otherwise. */
export const programArgs = (args: readonly string[]): string[] => withBundles(args) ?? sourceArgs(args);

/** Run Node with TypeScript sources. */
const sourceOptions = ['--conditions=source', '--import', 'tsx'];

/** For Node: runs the source. */
const sourceArgs = (args: readonly string[]): string[] => [...sourceOptions, ...args];

/**
 * For Node: runs a script of package.json, which says `node …` or `exec node …`, with more arguments behind it. A script that
 * runs a source runs its bundle where there is one, without a `.env` file.
 */
export const scriptArgs = (name: string, args: readonly string[] = []): string[] => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const command = (scripts[name] ?? '').replace(/^exec /, '').replace(' --env-file-if-exists=.env', '');
  const [program, ...scriptArguments] = command.split(' ');
  if (program !== 'node') throw new Error(`The script ${name} does not run node: ${scripts[name]}`);
  const all = [...scriptArguments, ...args];
  const isOfSource = sourceOptions.every((option, index) => all[index] === option);
  return isOfSource ? programArgs(all.slice(sourceOptions.length)) : all;
};

/** A process of the repo's own, from its bundle or its source. */
export const runProcess = ({ args, env = {} }: RunOptions) => runBuilt({ args: programArgs(args), env });

/** Starts Node with only the given environment. */
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
 * A free port below the ephemeral range, so that the system does not assign it. `withOffset`: the port `withOffset` higher
 * is free and below that range too.
 */
export const freePort = async ({ withOffset = 0 }: { withOffset?: number } = {}): Promise<number> => {
  for (;;) {
    const port = randomInt(firstPort, firstPort + ports - withOffset);
    if ((await isFree(port)) && (withOffset === 0 || (await isFree(port + withOffset)))) return port;
  }
};

/** Listens on a port, so that it is in use. */
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
