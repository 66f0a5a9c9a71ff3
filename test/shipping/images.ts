import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { root } from '../support/processes/run-process.ts';

/** A stage of the Dockerfile that is started. */
export type Image = {
  /** The folder with the stage's files, which stands for its WORKDIR. */
  folder: string;
  base: string;
  env: Record<string, string>;
  user: string;
  exposedPorts: number[];
  healthcheck: { timeoutMs: number; command: string[] };
  command: string[];
};

export const dockerfile = (): string => readFileSync(join(root, 'Dockerfile'), 'utf8');

/** The text of each stage by its name, without its FROM line. */
export const readStages = (): Map<string, { base: string; text: string }> =>
  new Map(
    [...dockerfile().matchAll(/^FROM (\S+) AS (\S+)\n((?:(?!FROM ).*\n?)*)/gm)].map(
      ([, base = '', name = '', text = '']) => [name, { base, text }],
    ),
  );

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
  const stage = readStages().get(name);
  if (stage === undefined) throw new Error(`The Dockerfile has no stage ${name}.`);
  const { base, text } = stage;
  const [, bundled = ''] = /^--from=build \/app\/bundle\/(\S+) \.\/$/.exec(argumentsOf(text, 'COPY')) ?? [];
  const [, seconds, check = ''] = /--timeout=(\d+)s .*?CMD (.*)$/.exec(argumentsOf(text, 'HEALTHCHECK')) ?? [];
  const env = text.includes('\nENV ') || text.startsWith('ENV ') ? argumentsOf(text, 'ENV').split(' ') : [];
  return {
    folder: join(inject('bundle'), bundled),
    base,
    env: Object.fromEntries(env.map((entry) => entry.split('=') as [string, string])),
    user: argumentsOf(text, 'USER'),
    exposedPorts: argumentsOf(text, 'EXPOSE').split(' ').map(Number),
    healthcheck: { timeoutMs: Number(seconds) * 1_000, command: JSON.parse(check) as string[] },
    command: JSON.parse(argumentsOf(text, 'CMD')) as string[],
  };
};
