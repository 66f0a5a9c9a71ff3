import type { z } from 'zod';
import type { Endpoint } from './endpoints.ts';
import { brokenContract } from './meaning.ts';

/** Reads `json` by its schema. Throws `auth_service_contract` with the path at fault and what was expected, never the value. */
export const decode = <Schema extends z.ZodType>(
  endpoint: Endpoint,
  schema: Schema,
  json: unknown,
): z.output<Schema> => {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.map(String).join('.') || 'the top';
  throw brokenContract(endpoint, `at ${path}: ${issue?.message ?? 'unreadable'}`);
};
