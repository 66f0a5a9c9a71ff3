import type { InputIssue } from '@auth-bff/shared';
import { deserialize, type SuperJSONResult } from 'superjson';
import { invalidInput } from './error-mapping.ts';
import type { AppError } from '../errors.ts';
import { unstorableIssuesOf } from './unstorable-text.ts';

/** What an input of ours may say beyond JSON. */
const types: ReadonlySet<unknown> = new Set(['undefined', 'Date', 'number']);

/** No input of ours is as deep; reading annotations takes superjson the square of their depth. */
const maxDepth = 10;

/** An annotation is a tree of `[type, children]` and `{key: tree}`. */
const refuseOtherTypes = (annotation: unknown, depth = 0): void => {
  if (depth > maxDepth) throw new TypeError('The input is annotated deeper than any input is.');
  if (typeof annotation !== 'object' || annotation === null) return;
  const [type, children] = Array.isArray(annotation) ? (annotation as unknown[]) : ['undefined', annotation];
  if (!types.has(type)) throw new TypeError('The input has a type that no input has.');
  for (const child of Object.values(children ?? {})) refuseOtherTypes(child, depth + 1);
};

/** Marks an input with text that is not storable. A symbol, because tRPC copies the input of a subscription. */
const unstorable = Symbol('unstorable');

/** The error for an input with text that no service can store. Null: there is none. */
export const unstorableInputError = (input: unknown): AppError | null => {
  if (typeof input !== 'object' || input === null || !(unstorable in input)) return null;
  return invalidInput(input[unstorable] as InputIssue[]);
};

/** The issues of the input itself, which is `json` on the wire, or else those of what superjson says of it. */
const toInputIssues = (issues: InputIssue[]): InputIssue[] => {
  const ofInput = issues.filter(({ path }) => /^json(\.|$)/.test(path));
  return ofInput.length === 0 ? issues : ofInput.map(({ path, message }) => ({ path: path.slice(5), message }));
};

/**
 * Reads inputs as superjson writes them, without the types that no input of ours has: superjson would make
 * an array of bytes as long as the caller says, and looks for members of sets and maps one by one.
 *
 * An input with text that no service can store is marked, and not thrown: tRPC reads all inputs of a batch at once, and
 * only the call at fault should fail. Every procedure refuses it (`trpc.ts`).
 */
export const readInput = (wire: SuperJSONResult): unknown => {
  const issues = unstorableIssuesOf(wire);
  if (issues.length > 0) return { [unstorable]: toInputIssues(issues) };
  const { json, meta } = wire;
  // What JSON.parse has made is nobody else's: no copy is needed.
  if (meta?.values === undefined) return json;
  refuseOtherTypes(meta.values);
  // Equal references are written out in full, too, so nothing is lost without them.
  return deserialize({ json, meta: { values: meta.values, v: meta.v ?? 0 } }, { inPlace: true });
};
