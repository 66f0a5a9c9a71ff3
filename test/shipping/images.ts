import { join } from 'node:path';
import { inject } from 'vitest';
import { instructionsOf } from './dockerfile.ts';

/** A stage of the Dockerfile that is started. */
export type Image = {
  /** The folder with the stage's files, which stands for its WORKDIR. */
  folder: string;
  env: Record<string, string>;
  uid: number;
  exposedPorts: number[];
  healthcheck: { timeoutMs: number; command: string[] };
  command: string[];
};

/** The arguments of an instruction that the stage has once. */
const argumentsOf = (stage: string, instruction: string): string => {
  const found = [...stage.matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))].map(([, rest = '']) => rest);
  const [only] = found;
  if (only === undefined || found.length > 1)
    throw new Error(`Dockerfile: expected one ${instruction}, found ${found.length}.`);
  return only;
};

/** Reads the stage named `name`, with the files of the bundle that it copies. */
export const imageOf = (name: string): Image => {
  const text = instructionsOf(name);
  const [, bundled = ''] = /^--from=build \/app\/bundle\/(\S+) \.\/$/.exec(argumentsOf(text, 'COPY')) ?? [];
  const [, seconds, check = ''] = /--timeout=(\d+)s .*?CMD (.*)$/.exec(argumentsOf(text, 'HEALTHCHECK')) ?? [];
  const env = /^ENV /m.test(text) ? argumentsOf(text, 'ENV').split(' ') : [];
  return {
    folder: join(inject('bundle'), bundled),
    env: Object.fromEntries(env.map((entry) => entry.split('=') as [string, string])),
    uid: Number.parseInt(argumentsOf(text, 'USER'), 10),
    exposedPorts: argumentsOf(text, 'EXPOSE').split(' ').map(Number),
    healthcheck: { timeoutMs: Number(seconds) * 1_000, command: JSON.parse(check) as string[] },
    command: JSON.parse(argumentsOf(text, 'CMD')) as string[],
  };
};
