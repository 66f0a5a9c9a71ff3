import { type RawRequest, written } from '../app/raw-request.ts';
import { type Case, type Person, persons } from '../app/reference-pair.ts';
import { inputsOf, postOf, procedures, queryOf } from './calls.ts';

/** Inputs that every procedure rejects. */
const strangeInputs: readonly unknown[] = [undefined, null, 'text', [{ id: 5 }], {}, Symbol.iterator];

/** A call as tRPC clients send it: alone, or as a batch of one. */
const callOf = (path: string, input: string | undefined, isBatch: boolean): RawRequest => {
  const inputs = isBatch && input !== undefined ? `{"0":${input}}` : input;
  return procedures[path] === 'mutation'
    ? postOf(isBatch ? `${path}?batch=1` : path, inputs ?? '{}')
    : queryOf(path, inputs, isBatch ? 'batch=1&' : '');
};

const toCase = (
  path: string,
  input: unknown,
  as: Person,
  isBatch: boolean,
  text = `${path} ${written(input)}`,
): Case => ({
  name: isBatch ? `${path} in a batch` : path,
  as,
  request: callOf(path, input === undefined ? undefined : written(input), isBatch),
  by: 'own',
  text,
});

const casesOf = (path: string): Case[] => {
  const [first, ...others] = inputsOf[path] ?? [];
  const askers: Array<[as: Person, isBatch: boolean]> = [
    ['staff', false],
    ['employee', true],
    ['anonymous', false],
  ];
  return [
    ...persons.map((as) => toCase(path, first, as, false)),
    ...askers.map(([as]) => toCase(path, first, as, true)),
    ...others.flatMap((input) => askers.map(([as, isBatch]) => toCase(path, input, as, isBatch))),
    // Each procedure rejects them alike.
    ...strangeInputs.map((input) => toCase(path, input, 'staff', false, written(input))),
  ];
};

const upstreamCasesOf = (path: string): Case[] => {
  const [first, ...others] = inputsOf[path] ?? [];
  return [
    ...(['staff', 'staff of AMS', 'employee'] as const).map((as) => toCase(path, first, as, false)),
    ...others.flatMap((input) => [toCase(path, input, 'staff', false), toCase(path, input, 'employee', true)]),
  ];
};

/** Each procedure with its own inputs, for callers whose data comes from the Auth Service. */
export const upstreamProcedureCases: readonly Case[] = Object.keys(procedures).flatMap(upstreamCasesOf);

/** Each procedure, as every caller, with all of its inputs. */
export const procedureCases: readonly Case[] = Object.keys(procedures).flatMap(casesOf);
