import { dirname } from 'node:path';
import { runProgram } from '../support/processes/run-process.ts';
import type { Image } from './images.ts';

export type ContainerOptions = {
  image: Image;
  env: Record<string, string>;
  /** Appended to the image's command. */
  args?: string[];
  /** Changes an argument of the health check if the process does not listen on the image's port. Default: no change. */
  toCheck?: (part: string) => string;
};

/** Only root can switch users; others start the process as themselves. */
const userOf = ({ uid }: Image) => (process.getuid?.() === 0 ? { uid } : {});

const environmentOf = ({ image, env }: ContainerOptions) => ({ PATH: dirname(process.execPath), ...image.env, ...env });

const start = (options: ContainerOptions, [program = '', ...args]: readonly string[]) =>
  runProgram({
    program,
    args,
    cwd: options.image.folder,
    env: environmentOf(options),
    ...userOf(options.image),
  });

/** Runs the image's health check once. Returns its exit code, or null if it was killed after its timeout. */
export const checkHealth = async (options: ContainerOptions): Promise<number | null> => {
  const { image, toCheck = (part) => part } = options;
  const check = start(options, image.healthcheck.command.map(toCheck));
  const timer = setTimeout(() => check.kill('SIGKILL'), image.healthcheck.timeoutMs);
  const code = await check.exited;
  clearTimeout(timer);
  return code;
};

/** Starts the image's command as a process, with the image's user and environment and a PATH that holds only Node. */
export const startContainer = (options: ContainerOptions) => {
  const running = start(options, [...options.image.command, ...(options.args ?? [])]);
  return {
    ...running,
    checkHealth: () => checkHealth(options),
    async untilHealthy() {
      while ((await checkHealth(options)) !== 0) {
        if (running.hasExited()) throw new Error(`The process exited before it was healthy:\n${running.output()}`);
      }
    },
  };
};

export type Container = ReturnType<typeof startContainer>;
