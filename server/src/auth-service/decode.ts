import type { z } from 'zod';
import type { Endpoint } from './endpoints.ts';
import { brokenContract } from './response-errors.ts';

type Fault = { path: PropertyKey[]; message: string };

/** Of a union's branches the one that was read furthest is the one that was meant. */
const deepest = (issue: z.core.$ZodIssue): Fault => {
  if (issue.code !== 'invalid_union') return issue;
  const [inner] = issue.errors
    .flat()
    .map(deepest)
    .toSorted((a, b) => b.path.length - a.path.length);
  return inner === undefined || inner.path.length === 0
    ? issue
    : { path: [...issue.path, ...inner.path], message: inner.message };
};

/** Reads `json` by its schema. Throws `auth_service_contract` with the path at fault and what was expected, never the value. */
export const decode = <Schema extends z.ZodType>(
  endpoint: Endpoint,
  schema: Schema,
  json: unknown,
): z.output<Schema> => {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const { path, message } = issue === undefined ? { path: [], message: 'unreadable' } : deepest(issue);
  throw brokenContract(endpoint, `at ${path.map(String).join('.') || 'the top'}: ${message}`);
};
