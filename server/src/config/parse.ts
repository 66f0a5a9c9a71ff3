import { z } from 'zod';

/** What a variable's text means, or what is wrong with it: what is expected, in a clause without the value itself. */
export type Reading<Value> = { value: Value } | { fault: string };

const unset = (value: unknown) => (typeof value === 'string' && value.trim() === '' ? undefined : value);

/** A variable that is blank counts as not set. */
export const optional = <Schema extends z.ZodType>(schema: Schema) => z.preprocess(unset, schema.optional());

/** The text of a variable as it stands, or undefined if it is blank. */
export const textOf = (env: Record<string, string | undefined>, name: string): string | undefined =>
  unset(env[name]) as string | undefined;

/** Splits at commas, and drops spaces and empty entries. */
export const toList = (value: string): string[] =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** A schema of what `read` makes of a variable's text, without the spaces around it. */
export const readBy = <Value>(read: (text: string) => Reading<Value>) =>
  z.string().transform((text, context): Value => {
    const reading = read(text.trim());
    if ('value' in reading) return reading.value;
    context.addIssue({ code: 'custom', message: reading.fault });
    return z.NEVER;
  });

export const word = <const Words extends readonly string[]>(words: Words, error: string) =>
  z.string().trim().pipe(z.enum(words, error));

export const flag = word(['true', 'false'], 'expected true or false').transform((value) => value === 'true');

export const wholeNumber = (from: number, to: number) =>
  readBy((text): Reading<number> => {
    const isWithin = /^\d{1,9}$/.test(text) && Number(text) >= from && Number(text) <= to;
    return isWithin ? { value: Number(text) } : { fault: `expected a whole number from ${from} to ${to}` };
  });

/** A port to listen at. Kubernetes sets `OPS_PORT=tcp://…` in every pod of a namespace with a service called `ops`. */
export const port = readBy((text): Reading<number> => {
  const expected = 'expected a whole number from 0 to 65535';
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return { value: Number(text) };
  return /^(tcp|udp):\/\//.test(text)
    ? { fault: `${expected}; Kubernetes sets it for a service of that name, unless enableServiceLinks is false` }
    : { fault: expected };
});
