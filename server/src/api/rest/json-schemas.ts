import {
  Assignment,
  CandidatesAnswer,
  Employee,
  HistoryAnswer,
  PersonType,
  Profile,
  RotationAnswer,
  Session,
  Status,
  SystemRole,
  TurnEntry,
  User,
  UsersAnswer,
} from '@auth-bff/shared';
import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** The schemas that have a name in the document, with their descriptions. All others are written where they are used. */
const named: Record<string, readonly [schema: z.ZodType, description: string]> = {
  User: [User, 'A staff user. null: the Auth Service does not provide the value.'],
  Employee: [Employee, 'An employee. null: the Auth Service does not provide the value.'],
  Profile: [
    Profile,
    'The person signed in, with what only they may see. null: the Auth Service does not provide the value.',
  ],
  Session: [Session, 'The person signed in, their systems and roles, and when the session expires.'],
  PersonType: [PersonType, 'Staff and employees are different people, even if their ids are equal.'],
  SystemRole: [SystemRole, 'A role in one system. The system is in upper case.'],
  UsersAnswer: [UsersAnswer, 'The users found, in the requested order without duplicates, and the ids without a user.'],
  CandidatesAnswer: [CandidatesAnswer, 'The active people with the role, in the order of their turns.'],
  Assignment: [Assignment, 'The person whose turn it is, or the reason why no person is available.'],
  RotationAnswer: [
    RotationAnswer,
    'The people with the role, next in turn first; people who are away last. `lastTurnAt` is null without a turn in the last 30 days or since a reset.',
  ],
  HistoryAnswer: [HistoryAnswer, 'The last turns of a rotation, newest first.'],
  TurnEntry: [
    TurnEntry,
    'A turn that was given: `assignee` got it, `by` called. Both are ids of staff users; `by` is that of the service account if a service called.',
  ],
  Status: [
    Status,
    'State of the Auth Service, and since when. `unknown`: nobody has asked it yet. `degraded`: the BFF answers from its cache.',
  ],
};

const pathOf = (name: string): string => `#/components/schemas/${name}`;

type Written = { zodSchema: z.core.$ZodType; jsonSchema: JsonSchema };

const writeOutputMember = ({ zodSchema, jsonSchema }: Written): void => {
  const { type } = zodSchema._zod.def;
  if (type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
  // The numbers of our answers are ids and counts. Without this, generated clients have ids of floating point.
  if (type === 'number') jsonSchema.type = 'integer';
  // Members may be added to answers: a client that rejects unknown ones would break.
  if (type === 'object') delete jsonSchema.additionalProperties;
};

const writeInputMember = ({ zodSchema, jsonSchema }: Written): void => {
  if (zodSchema._zod.def.type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
};

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Points references of one schema at the components of the document. */
const toComponentRefs = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(toComponentRefs);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) =>
      key === '$ref' && typeof member === 'string'
        ? [key, member.replace('#/$defs/', pathOf(''))]
        : [key, toComponentRefs(member)],
    ),
  );
};

/** Without the members that are only for a schema of its own. */
const toPart = ({ $schema: _schema, $id: _id, $defs: _defs, ...schema }: JsonSchema): JsonSchema =>
  toComponentRefs(schema) as JsonSchema;

/** Writes zod schemas as JSON Schema for OpenAPI 3.1. It reads the schemas, and changes none. */
export const createJsonSchemas = () => {
  const registry = z.registry<{ id: string; description: string }>();
  const nameOf = new Map<z.ZodType, string>();
  for (const [name, [schema, description]] of Object.entries(named)) {
    registry.add(schema, { id: name, description });
    nameOf.set(schema, name);
  }
  const common = { target: 'draft-2020-12', metadata: registry, unrepresentable: 'any' } as const;
  const input = { ...common, io: 'input', override: writeInputMember as (written: object) => void } as const;
  const output = { ...common, io: 'output', override: writeOutputMember as (written: object) => void } as const;

  return {
    /** The named schemas. */
    components: (): Record<string, JsonSchema> => {
      const { schemas } = z.toJSONSchema(registry, { ...output, uri: pathOf });
      return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, toPart(schema as JsonSchema)]));
    },
    /** A result, in which times are ISO 8601. A named schema becomes a reference. */
    output: (schema: z.ZodType): JsonSchema => {
      const name = nameOf.get(schema);
      return name === undefined ? toPart(z.toJSONSchema(schema, output) as JsonSchema) : { $ref: pathOf(name) };
    },
    /** An input, before the schema converts it. */
    input: (schema: z.ZodType): JsonSchema => toPart(z.toJSONSchema(schema, input) as JsonSchema),
  };
};

export type JsonSchemas = ReturnType<typeof createJsonSchemas>;
