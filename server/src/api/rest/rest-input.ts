import type { InputIssue } from '@auth-bff/shared';
import { z } from 'zod';
import { invalidInput } from '../error-mapping.ts';
import { isInputName } from '../input-names.ts';
import { markUnstorable } from '../input-transformer.ts';
import { elementOf, type InputMember, isNumber, isTime, type RestProcedure } from './rest-procedures.ts';

/** The parts of a request that an input can come from. */
export type RestParts = {
  /** Decoded, by name. */
  path: Readonly<Record<string, string>>;
  /** Without the question mark. */
  query: string;
  /** The text of the body. Empty: there is none. */
  body: string;
};

const maxIssues = 20;

/** A whole number in its usual form: `7`, not `07`, `7.0` or `7e0`. */
const wholeNumber = /^(0|-?[1-9]\d*)$/;

/** A time as JSON has it. Without an offset, the time zone would be a guess. */
const Time = z.iso.datetime({ offset: true });

/** A text of a URL, as a number where the schema wants one. Any other text is left for the schema to reject. */
const toValue = (text: string, schema: InputMember['schema']): unknown =>
  isNumber(schema) && wholeNumber.test(text) ? Number(text) : text;

const listOf = (names: readonly InputMember[]): string => names.map(({ name }) => name).join(', ');

const unknownIssue = (name: string, known: readonly InputMember[], what: string): InputIssue => ({
  path: isInputName(name) ? name : '',
  message: known.length === 0 ? `Expected no ${what}` : `Unknown ${what}. Known: ${listOf(known)}`,
});

const throwIfAny = (issues: readonly InputIssue[]): void => {
  if (issues.length > 0) throw invalidInput(issues.slice(0, maxIssues));
};

const readQuery = (query: string, members: readonly InputMember[]): Record<string, unknown> => {
  // The extra question mark: URLSearchParams removes one, which may be part of the query.
  const given = new URLSearchParams(`?${query}`);
  const names = [...new Set(given.keys())];
  const unknown = names.filter((name) => members.every((member) => member.name !== name));
  throwIfAny(unknown.map((name) => unknownIssue(name, members, 'query parameter')));
  const input: Record<string, unknown> = {};
  for (const { name, schema } of members) {
    const texts = given.getAll(name);
    if (texts.length === 0) continue;
    const element = elementOf(schema);
    if (element !== null) {
      input[name] = texts.flatMap((text) => text.split(',')).map((text) => toValue(text, element));
    } else {
      throwIfAny(texts.length > 1 ? [{ path: name, message: 'Expected this query parameter once' }] : []);
      input[name] = toValue(texts[0] ?? '', schema);
    }
  }
  return input;
};

const parseJson = (body: string): unknown => {
  try {
    // JSON.parse rejects a byte order mark.
    return JSON.parse(body.replace(/^\uFEFF/, ''));
  } catch {
    // The message of JSON.parse quotes the text.
    throw invalidInput([{ path: '', message: 'The body is not valid JSON' }]);
  }
};

/** Replaces the texts of times by dates. Other types are left for the schema to reject. */
const withTimes = (body: Record<string, unknown>, members: readonly InputMember[]): Record<string, unknown> => {
  const times = members.filter(({ name, schema }) => isTime(schema) && typeof body[name] === 'string');
  const wrong = times.filter(({ name }) => !Time.safeParse(body[name]).success);
  throwIfAny(
    wrong.map(({ name }) => ({ path: name, message: 'Expected a time in ISO 8601, such as 2026-12-24T08:00:00Z' })),
  );
  return { ...body, ...Object.fromEntries(times.map(({ name }) => [name, new Date(body[name] as string)])) };
};

const readBody = (body: string, members: readonly InputMember[]): Record<string, unknown> => {
  if (body === '') return {};
  const parsed = parseJson(body);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw invalidInput([{ path: '', message: 'Expected a JSON object as the body' }]);
  }
  const unknown = Object.keys(parsed).filter((name) => members.every((member) => member.name !== name));
  throwIfAny(unknown.slice(0, maxIssues).map((name) => unknownIssue(name, members, 'member of the body')));
  return withTimes(parsed as Record<string, unknown>, members);
};

/**
 * The input of a procedure from the path, query and body of its REST request, for the procedure's own schema to validate.
 * Undefined: it takes none. Throws `invalid_input` for parts that no schema sees: unknown query parameters and members of
 * the body, and a body that is no JSON object.
 */
export const readRestInput = (
  { fromPath, fromQuery, fromBody }: RestProcedure,
  { path, query, body }: RestParts,
): unknown => {
  const input = { ...readBody(body, fromBody), ...readQuery(query, fromQuery) };
  for (const { name, schema } of fromPath) input[name] = toValue(path[name] ?? '', schema);
  const takesInput = fromPath.length + fromQuery.length + fromBody.length > 0;
  return takesInput ? markUnstorable(input) : undefined;
};
