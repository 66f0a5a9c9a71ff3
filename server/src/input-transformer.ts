import { deserialize, type SuperJSONResult } from 'superjson';

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

/**
 * Reads inputs as superjson writes them, without the types that no input of ours has: superjson would make
 * an array of bytes as long as the caller says, and looks for members of sets and maps one by one.
 */
export const readInput = ({ json, meta }: SuperJSONResult): unknown => {
  // What JSON.parse has made is nobody else's: no copy is needed.
  if (meta?.values === undefined) return json;
  refuseOtherTypes(meta.values);
  // Equal references are written out in full, too, so nothing is lost without them.
  return deserialize({ json, meta: { values: meta.values, v: meta.v ?? 0 } }, { inPlace: true });
};
