import {
  accessCookie,
  csrfHeader,
  csrfValue,
  idempotencyKeyHeader,
  idempotencyKeyPattern,
  restPath,
} from '@auth-bff/shared';
import { policy } from '../policy.ts';
import { createJsonSchemas, type JsonSchema, type JsonSchemas } from './json-schemas.ts';
import { pictureOperations } from './picture-operations.ts';
import {
  headerComponents,
  headersWith,
  problemResponses,
  problemSchema,
  responseComponents,
} from './problem-responses.ts';
import { elementOf, type InputMember, type RestProcedure, restProcedures } from './rest-procedures.ts';

/** An OpenAPI 3.1 document, as far as our own code reads it. */
export type OpenApiDocument = {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string };
  servers: Array<{ url: string }>;
  tags: Array<{ name: string; description: string }>;
  paths: Record<string, Record<string, JsonSchema>>;
  components: Record<string, Record<string, JsonSchema>>;
};

const description = `The procedures of auth-bff as plain JSON, for callers that do not use tRPC. Times are ISO 8601.

**Authentication.** The session is the cookie \`${accessCookie}\` or, if that is absent, \`Authorization: Bearer\`. Services without a person send \`X-API-Key\`. If the session comes as a cookie, a POST needs the header \`${csrfHeader}: ${csrfValue}\`.

**Errors.** Every error is \`application/problem+json\` (RFC 9457) with a \`reason\`. Branch on the reason.

**Servers.** Paths are below \`${restPath}\`, except those of operations that name another server.

**Limits.** A request counts as one call of the rate limit; \`POST /users/query\` counts once per 50 ids.

**Compatibility.** Paths, members of answers, and reasons may be added at any time. Ignore those that you do not know.`;

const tags: Record<string, string> = {
  session: 'Who is calling',
  users: 'Staff users',
  employees: 'Employees. Their ids overlap with those of staff users',
  assignments: 'Round-robin assignment among the people with a role',
  status: 'State of the service',
  account: 'What people manage about themselves',
};

const securitySchemes: Record<string, JsonSchema> = {
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: accessCookie,
    description: `The session of a browser. A POST needs the header ${csrfHeader}: ${csrfValue}.`,
  },
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The access token of a person.' },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'The key of a service that calls without a person. Used only if there is no session.',
  },
};

/** Such as `usersById` for `users.byId`: a name in every language. */
const operationIdOf = (name: string): string => name.replaceAll(/\.(.)/g, (_, letter: string) => letter.toUpperCase());

const toParameter =
  ({ input }: JsonSchemas, where: 'path' | 'query') =>
  (member: InputMember) => ({
    name: member.name,
    in: where,
    required: !member.isOptional,
    schema: input(member.schema),
    ...(elementOf(member.schema) === null ? {} : { style: 'form', explode: true }),
  });

const idempotencyKeyParameter: JsonSchema = {
  name: idempotencyKeyHeader,
  in: 'header',
  required: false,
  description: 'Chosen by the caller for this request and its repeats, such as a UUID',
  schema: { type: 'string', pattern: idempotencyKeyPattern.source },
};

const toRequestBody = ({ input }: JsonSchemas, members: readonly InputMember[]): JsonSchema => {
  const required = members.filter(({ isOptional }) => !isOptional).map(({ name }) => name);
  return {
    required: required.length > 0,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: Object.fromEntries(members.map(({ name, schema }) => [name, input(schema)])),
          ...(required.length === 0 ? {} : { required }),
          additionalProperties: false,
        },
      },
    },
  };
};

/** A service has no session, so its key does not answer questions about one. */
const schemesOf = (name: string): string[] =>
  Object.keys(securitySchemes).filter((scheme) => scheme !== 'apiKey' || !name.startsWith('session.'));

const toOperation = (schemas: JsonSchemas, rest: RestProcedure): JsonSchema => {
  const { name, route, fromPath, fromQuery, fromBody, output } = rest;
  const parameters = [
    ...fromPath.map(toParameter(schemas, 'path')),
    ...fromQuery.map(toParameter(schemas, 'query')),
    ...(route.isRepeatable === true ? [idempotencyKeyParameter] : []),
  ];
  const isPublic = policy[name]?.who === 'anyone';
  return {
    operationId: operationIdOf(name),
    tags: [name.split('.')[0]],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: isPublic ? [{}] : schemesOf(name).map((scheme) => ({ [scheme]: [] })),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(fromBody.length === 0 ? {} : { requestBody: toRequestBody(schemas, fromBody) }),
    responses: {
      200: {
        description: 'OK',
        headers: headersWith('DirectoryStale'),
        content: { 'application/json': { schema: schemas.output(output) } },
      },
      ...problemResponses(rest),
    },
  };
};

/** Describes the REST mirror, from the schemas of the procedures and the table of `rest-routes.ts`. */
export const createOpenApiDocument = ({ version }: { version: string }): OpenApiDocument => {
  const schemas = createJsonSchemas();
  const procedures = restProcedures();
  const paths: OpenApiDocument['paths'] = {};
  for (const rest of procedures) {
    const { path, method } = rest.route;
    paths[path] = { ...paths[path], [method.toLowerCase()]: toOperation(schemas, rest) };
  }
  const used = new Set(procedures.map(({ name }) => name.split('.')[0] ?? ''));
  return {
    openapi: '3.1.0',
    info: { title: 'auth-bff', version, description },
    servers: [{ url: restPath }],
    tags: [...used, 'account'].map((name) => ({ name, description: tags[name] ?? '' })),
    paths: { ...paths, ...pictureOperations(schemas) },
    components: {
      securitySchemes,
      headers: headerComponents(),
      responses: responseComponents(),
      schemas: { ...schemas.components(), Problem: problemSchema },
    },
  };
};
