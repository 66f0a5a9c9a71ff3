import type { z } from 'zod';
import type { Endpoint } from './endpoints.ts';
import { contractError } from './response-errors.ts';

type Fault = { path: PropertyKey[]; message: string };

/** For a union, the branch that matched furthest is the most useful one to report. */
const deepestFault = (issue: z.core.$ZodIssue): Fault => {
  if (issue.code !== 'invalid_union') return issue;
  const [inner] = issue.errors
    .flat()
    .map(deepestFault)
    .toSorted((a, b) => b.path.length - a.path.length);
  if (inner === undefined || inner.path.length === 0) return issue;
  return { path: [...issue.path, ...inner.path], message: inner.message };
};

/** Throws `auth_service_contract` with the path of the fault and the expected type, never with the value. */
export const decode = <Schema extends z.ZodType>(
  endpoint: Endpoint,
  schema: Schema,
  json: unknown,
): z.output<Schema> => {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const { path, message } = issue === undefined ? { path: [], message: 'unreadable' } : deepestFault(issue);
  throw contractError(endpoint, `at ${path.map(String).join('.') || 'the top level'}: ${message}`);
};
