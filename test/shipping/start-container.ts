import { dirname, join } from 'node:path';
import { runProgram } from '../support/processes/run-process.ts';
import type { Image } from './build-images.ts';

export type ContainerOptions = {
  image: Image;
  env: Record<string, string>;
  /** Put behind the image's own command. */
  args?: string[];
  /** Changes the image's health check where the container listens elsewhere than in a container. Default: as it is. */
  toCheck?: (part: string) => string;
};

/** In the images of Node; what does not run as root here cannot change who it is, and stays. */
const uidOf = (user: string | null) => (user === 'node' && process.getuid?.() === 0 ? { uid: 1000 } : {});

const toMs = (duration = '30s'): number => Number(/^(\d+)s$/.exec(duration)?.[1]) * 1000;

const toEnv = (image: Image, env: Record<string, string>) => ({
  PATH: dirname(process.execPath),
  ...image.env,
  ...env,
});

/** Runs the image's health check once, as its engine would: exit code 0 is healthy. Ended, and so unhealthy, after its timeout. */
export const checkHealth = async ({
  image,
  env,
  toCheck = (part) => part,
}: ContainerOptions): Promise<number | null> => {
  if (image.healthcheck === null) throw new Error('The image has no health check.');
  const { command, flags } = image.healthcheck;
  const [program = '', ...args] = command.map(toCheck);
  const check = runProgram({
    program,
    args,
    cwd: join(image.root, image.workdir),
    env: toEnv(image, env),
    ...uidOf(image.user),
  });
  const timer = setTimeout(() => check.kill('SIGKILL'), toMs(flags.timeout));
  const code = await check.exited;
  clearTimeout(timer);
  return code;
};

/** The image's command as a process: its folder, its environment and its user, a PATH with nothing but Node, and nothing of ours. */
export const startContainer = (options: ContainerOptions) => {
  const { image, env, args = [] } = options;
  const [program = '', ...own] = image.command ?? [];
  const running = runProgram({
    program,
    args: [...own, ...args],
    cwd: join(image.root, image.workdir),
    env: toEnv(image, env),
    ...uidOf(image.user),
  });
  return {
    ...running,
    checkHealth: () => checkHealth(options),
    async untilHealthy() {
      while ((await checkHealth(options)) !== 0) {
        if (running.hasExited()) throw new Error(`It ended before it was healthy:\n${running.output()}`);
      }
    },
  };
};

export type Container = ReturnType<typeof startContainer>;
