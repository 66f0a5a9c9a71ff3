import { z } from 'zod';

/** The value of a variable, or what is wrong with its text. A fault is a clause that never contains the text. */
export type Parsed<Value> = { value: Value } | { fault: string };

const unset = (value: unknown) => (typeof value === 'string' && value.trim() === '' ? undefined : value);

/** A blank variable counts as unset. */
export const optional = <Schema extends z.ZodType>(schema: Schema) => z.preprocess(unset, schema.optional());

/** The unchanged text of a variable. Undefined if it is blank. */
export const textOf = (env: Record<string, string | undefined>, name: string): string | undefined =>
  unset(env[name]) as string | undefined;

/** Splits at commas, trims the entries, and drops empty ones. */
export const toList = (value: string): string[] =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** A schema that trims the text and parses it. */
export const parsedBy = <Value>(parse: (text: string) => Parsed<Value>) =>
  z.string().transform((text, context): Value => {
    const parsed = parse(text.trim());
    if ('value' in parsed) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.fault });
    return z.NEVER;
  });

export const word = <const Words extends readonly string[]>(words: Words, error: string) =>
  z.string().trim().pipe(z.enum(words, error));

export const flag = word(['true', 'false'], 'expected true or false').transform((value) => value === 'true');

export const wholeNumber = (from: number, to: number) =>
  parsedBy((text): Parsed<number> => {
    const isWithin = /^\d{1,9}$/.test(text) && Number(text) >= from && Number(text) <= to;
    return isWithin ? { value: Number(text) } : { fault: `expected a whole number from ${from} to ${to}` };
  });

/** A port to listen on. In a namespace with a service `ops`, Kubernetes sets `OPS_PORT=tcp://…` in every pod. */
export const port = parsedBy((text): Parsed<number> => {
  const expected = 'expected a whole number from 0 to 65535';
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return { value: Number(text) };
  return /^(tcp|udp):\/\//.test(text)
    ? { fault: `${expected}; Kubernetes sets it for a service with that name unless enableServiceLinks is false` }
    : { fault: expected };
});
