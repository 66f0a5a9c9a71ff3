import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/processes/run-process.ts';

export type Stage = {
  /** The image or the stage that it builds on, as the FROM line names it. */
  base: string;
  /** Its instructions, each in one line, without the FROM line. */
  text: string;
};

export const dockerfile = (): string =>
  readFileSync(join(root, 'Dockerfile'), 'utf8')
    .replaceAll(/ \\\n\s+/g, ' ')
    .replaceAll(/^#.*\n/gm, '');

/** The stages by their names. */
export const readStages = (): Map<string, Stage> =>
  new Map(
    [...dockerfile().matchAll(/^FROM (\S+) AS (\S+)\n((?:(?!FROM ).*\n?)*)/gm)].map(
      ([, base = '', name = '', text = '']) => [name, { base, text }],
    ),
  );

/** The value of an `ARG` before the first stage. */
export const defaultOf = (name: string): string => {
  const [, value] = new RegExp(`^ARG ${name}=(.*)$`, 'm').exec(dockerfile().split(/^FROM /m)[0] ?? '') ?? [];
  if (value === undefined) throw new Error(`The Dockerfile has no default for ${name}.`);
  return value;
};

/** The instructions of a stage, after those of the stages that it builds on. */
export const instructionsOf = (name: string): string => {
  const stage = readStages().get(name);
  if (stage === undefined) throw new Error(`The Dockerfile has no stage ${name}.`);
  return readStages().has(stage.base) ? `${instructionsOf(stage.base)}${stage.text}` : stage.text;
};
