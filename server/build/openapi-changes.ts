type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objectOf = (value: unknown): Json => (isObject(value) ? value : {});
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** A document with the way to resolve its references. */
const createReader = (document: Json) => {
  const resolve = (value: unknown): Json => {
    const { $ref } = objectOf(value);
    if (typeof $ref !== 'string') return objectOf(value);
    let target: unknown = document;
    for (const name of $ref.slice(2).split('/')) target = objectOf(target)[name];
    return resolve(target);
  };
  return { resolve };
};
type Reader = ReturnType<typeof createReader>;

const typesOf = ({ type }: Json): string => [type ?? 'any'].flat().map(String).toSorted().join(' | ');

type Comparison = {
  before: Reader;
  after: Reader;
  /** Clients read answers and write inputs, so the same change breaks only one of them. */
  direction: 'answer' | 'input';
  add: (change: string) => void;
};

const enumOf = ({ enum: values, const: value }: Json): unknown[] => (value === undefined ? listOf(values) : [value]);

/** The alternatives of a union, or the schema alone. */
const alternativesOf = (schema: Json): unknown[] => {
  const alternatives = [...listOf(schema.anyOf), ...listOf(schema.oneOf)];
  return alternatives.length === 0 ? [schema] : alternatives;
};

const compareSchemas = (comparison: Comparison, old: unknown, now: unknown, at: string, depth = 0): void => {
  const { before, after, direction, add } = comparison;
  if (depth > 20) return;
  const was = before.resolve(old);
  const is = after.resolve(now);

  const [oldAlternatives, newAlternatives] = [alternativesOf(was), alternativesOf(is)];
  if (oldAlternatives.length > 1 || newAlternatives.length > 1) {
    if (oldAlternatives.length !== newAlternatives.length) {
      add(`${at}: ${oldAlternatives.length} alternatives became ${newAlternatives.length}`);
      return;
    }
    for (const [index, alternative] of oldAlternatives.entries()) {
      compareSchemas(comparison, alternative, newAlternatives[index], `${at} (alternative ${index + 1})`, depth + 1);
    }
    return;
  }

  if (typesOf(was) !== typesOf(is)) {
    add(`${at}: the type ${typesOf(was)} became ${typesOf(is)}`);
    return;
  }
  if (was.format !== is.format) add(`${at}: the format ${String(was.format)} became ${String(is.format)}`);
  const [oldValues, newValues] = [enumOf(was), enumOf(is)];
  const removed = oldValues.filter((value) => !newValues.includes(value));
  if (removed.length > 0) add(`${at}: removed ${removed.map(String).join(', ')}`);
  if (oldValues.length === 0 && newValues.length > 0 && direction === 'input')
    add(`${at}: only certain values are accepted`);

  const [oldMembers, newMembers] = [objectOf(was.properties), objectOf(is.properties)];
  const [oldRequired, newRequired] = [listOf(was.required), listOf(is.required)];
  for (const [name, member] of Object.entries(oldMembers)) {
    if (newMembers[name] === undefined) add(`${at}.${name}: removed`);
    else compareSchemas(comparison, member, newMembers[name], `${at}.${name}`, depth + 1);
    const became = { answer: [oldRequired, newRequired], input: [newRequired, oldRequired] }[direction];
    const [has, lacks] = [became[0] ?? [], became[1] ?? []];
    if (newMembers[name] !== undefined && has.includes(name) && !lacks.includes(name)) {
      add(`${at}.${name}: ${direction === 'answer' ? 'may now be missing' : 'is now required'}`);
    }
  }
  if (direction === 'input') {
    for (const name of newRequired) {
      if (oldMembers[String(name)] === undefined) add(`${at}.${String(name)}: a new required member`);
    }
  }
  if (was.items !== undefined) compareSchemas(comparison, was.items, is.items, `${at}[]`, depth + 1);
};

const keyOf = ({ in: where, name }: Json): string => `${String(where)} parameter ${String(name)}`;

const compareParameters = (comparison: Comparison, old: Json, now: Json, at: string): void => {
  const { before, after, add } = comparison;
  const was = new Map(
    listOf(old.parameters).map((parameter) => [keyOf(before.resolve(parameter)), before.resolve(parameter)]),
  );
  const is = new Map(
    listOf(now.parameters).map((parameter) => [keyOf(after.resolve(parameter)), after.resolve(parameter)]),
  );
  for (const [key, parameter] of was) {
    const next = is.get(key);
    if (next === undefined) add(`${at}: the ${key} was removed`);
    else compareSchemas(comparison, parameter.schema, next.schema, `${at} ${key}`);
  }
  for (const [key, parameter] of is) {
    if (parameter.required === true && was.get(key)?.required !== true) add(`${at}: the ${key} is now required`);
  }
};

const jsonSchemaOf = (content: unknown): unknown => {
  const [media] = Object.values(objectOf(content));
  return objectOf(media).schema;
};

const compareBodies = (comparison: Comparison, old: Json, now: Json, at: string): void => {
  const { before, after, add } = comparison;
  const [was, is] = [before.resolve(old.requestBody), after.resolve(now.requestBody)];
  if (is.required === true && was.required !== true) add(`${at}: the body is now required`);
  if (was.content !== undefined) {
    if (is.content === undefined) add(`${at}: the body was removed`);
    else compareSchemas(comparison, jsonSchemaOf(was.content), jsonSchemaOf(is.content), `${at} body`);
  }
};

const compareResponses = (comparison: Comparison, old: Json, now: Json, at: string): void => {
  const { before, after, add } = comparison;
  const next = objectOf(now.responses);
  for (const [status, response] of Object.entries(objectOf(old.responses))) {
    if (next[status] === undefined) {
      // An error that no longer happens breaks nobody.
      if (status.startsWith('2')) add(`${at}: the response ${status} was removed`);
      continue;
    }
    const [was, is] = [before.resolve(response), after.resolve(next[status])];
    const [types, nextTypes] = [Object.keys(objectOf(was.content)), Object.keys(objectOf(is.content))];
    if (types.join() !== nextTypes.join())
      add(`${at} ${status}: the content type ${types.join()} became ${nextTypes.join()}`);
    compareSchemas(comparison, jsonSchemaOf(was.content), jsonSchemaOf(is.content), `${at} ${status}`);
  }
};

/** Schemes that an operation accepts. */
const schemesOf = ({ security }: Json): string[] =>
  listOf(security).map((scheme) => Object.keys(objectOf(scheme)).toSorted().join('+'));

/** The changes from one OpenAPI document to another that break clients, one line each. */
export const breakingChanges = (before: object, after: object): string[] => {
  const changes = new Set<string>();
  const add = (change: string) => void changes.add(change);
  const common = { before: createReader(before as Json), after: createReader(after as Json), add };
  const newPaths = objectOf((after as Json).paths);
  for (const [path, methods] of Object.entries(objectOf((before as Json).paths))) {
    for (const [method, operation] of Object.entries(objectOf(methods))) {
      const at = `${method.toUpperCase()} ${path}`;
      const [old, now] = [objectOf(operation), objectOf(newPaths[path])[method]];
      if (!isObject(now)) {
        add(`${at}: removed`);
        continue;
      }
      if (old.operationId !== now.operationId)
        add(`${at}: the operationId ${String(old.operationId)} became ${String(now.operationId)}`);
      const schemes = schemesOf(now);
      const lost = schemesOf(old).filter((scheme) => !schemes.includes(scheme));
      if (lost.length > 0)
        add(`${at}: no longer accepts ${lost.map((scheme) => scheme || 'callers without credentials').join(', ')}`);
      compareParameters({ ...common, direction: 'input' }, old, now, at);
      compareBodies({ ...common, direction: 'input' }, old, now, at);
      compareResponses({ ...common, direction: 'answer' }, old, now, at);
    }
  }
  return [...changes];
};
