import type { InputIssue } from '@auth-bff/shared';
import { deserialize, type SuperJSONResult } from 'superjson';
import { invalidInput } from './error-mapping.ts';
import type { AppError } from '../errors.ts';
import { unstorableIssuesOf } from './unstorable-text.ts';

/** The superjson types that inputs of our procedures use. */
const types: ReadonlySet<unknown> = new Set(['undefined', 'Date', 'number']);

/** Our inputs are less deep. superjson needs quadratic time in the depth of annotations. */
const maxDepth = 10;

/** An annotation is a tree of `[type, children]` and `{key: tree}`. */
const rejectOtherTypes = (annotation: unknown, depth = 0): void => {
  if (depth > maxDepth) throw new TypeError('The superjson annotations of the input are too deep.');
  if (typeof annotation !== 'object' || annotation === null) return;
  const [type, children] = Array.isArray(annotation) ? (annotation as unknown[]) : ['undefined', annotation];
  if (!types.has(type)) throw new TypeError('The input has a superjson type that is not allowed.');
  for (const child of Object.values(children ?? {})) rejectOtherTypes(child, depth + 1);
};

/** Marks an input that contains unstorable text. A symbol survives the copy that tRPC makes of subscription inputs. */
const unstorable = Symbol('unstorable');

/** The error for an input with text that no database can store. Null: the input has none. */
export const unstorableInputError = (input: unknown): AppError | null => {
  if (typeof input !== 'object' || input === null || !(unstorable in input)) return null;
  return invalidInput(input[unstorable] as InputIssue[]);
};

/** The input, or a mark in its place if it contains text that no database can store: every procedure rejects that. */
export const markUnstorable = (input: unknown): unknown => {
  const issues = unstorableIssuesOf(input);
  return issues.length === 0 ? input : { [unstorable]: issues };
};

/** The issues of the input itself, which is `json` on the wire; or those of the superjson metadata if there are no others. */
const toInputIssues = (issues: InputIssue[]): InputIssue[] => {
  const ofInput = issues.filter(({ path }) => /^json(\.|$)/.test(path));
  return ofInput.length === 0 ? issues : ofInput.map(({ path, message }) => ({ path: path.slice(5), message }));
};

/**
 * Deserializes superjson inputs, and rejects types that our procedures do not use: superjson would allocate a typed array
 * of any length that the caller names, and searches the members of sets and maps one by one.
 *
 * An input with unstorable text is marked instead of rejected: tRPC deserializes all inputs of a batch together, and only
 * the affected call should fail. Every procedure rejects it (`middlewares.ts`).
 */
export const readInput = (wire: SuperJSONResult): unknown => {
  const issues = unstorableIssuesOf(wire);
  return issues.length > 0 ? { [unstorable]: toInputIssues(issues) } : readStorableInput(wire);
};

/** `readInput` for an input that contains no unstorable text. */
export const readStorableInput = ({ json, meta }: SuperJSONResult): unknown => {
  // The value was just created by JSON.parse, so no copy is needed.
  if (meta?.values === undefined) return json;
  rejectOtherTypes(meta.values);
  // superjson also writes shared references in full, so ignoring them loses nothing.
  return deserialize({ json, meta: { values: meta.values, v: meta.v ?? 0 } }, { inPlace: true });
};
