import { describe, expect, it } from 'vitest';
import { breakingChanges } from '../../../../server/build/openapi-changes.ts';
import { createOpenApiDocument } from '../../../../server/src/api/rest/openapi-document.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- the edits below reach deep into the document
type Json = Record<string, any>;
const document = createOpenApiDocument({ version: '1.0.0' });

/** The changes after an edit of the document. */
const changesBy = (edit: (document: Json) => void): string[] => {
  const edited = structuredClone(document) as Json;
  edit(edited);
  return breakingChanges(document, edited);
};
const user = (edited: Json) => edited.components.schemas.User;
const byId = (edited: Json) => edited.paths['/users/{id}'].get;
const query = (edited: Json) => edited.paths['/users/query'].post;
const schemaOf = (operation: Json) => operation.requestBody.content['application/json'].schema;

const breaking: Array<[what: string, edit: (document: Json) => void, change: string]> = [
  ['a removed path', ({ paths }) => delete paths['/status'], 'GET /status: removed'],
  [
    'a removed method',
    ({ paths }) => delete paths['/assignments/{system}/{role}/next'].post,
    'POST /assignments/{system}/{role}/next: removed',
  ],
  [
    'another operationId',
    (edited) => (byId(edited).operationId = 'user'),
    'GET /users/{id}: the operationId usersById became user',
  ],
  [
    'a removed property of an answer',
    (edited) => delete user(edited).properties.email,
    'GET /users/{id} 200.email: removed',
  ],
  [
    'another type of a property',
    (edited) => (user(edited).properties.id = { type: 'string' }),
    'GET /users/{id} 200.id: the type integer became string',
  ],
  [
    'a property that may now be null',
    (edited) => (user(edited).properties.email = { type: ['string', 'null'] }),
    'GET /users/{id} 200.email: the type string became null | string',
  ],
  [
    'a property that may now be missing',
    (edited) => (user(edited).required = ['id']),
    'GET /users/{id} 200.email: may now be missing',
  ],
  [
    'another format',
    (edited) => delete edited.components.schemas.Session.properties.expiresAt.format,
    'GET /session 200.expiresAt: the format date-time became undefined',
  ],
  [
    'a union with fewer alternatives',
    (edited) => edited.components.schemas.Assignment.anyOf.pop(),
    'POST /assignments/{system}/{role}/next 200: 2 alternatives became 1',
  ],
  [
    'a removed reason',
    (edited) => edited.components.schemas.Problem.properties.reason.enum.shift(),
    'GET /users/{id} 404.reason: removed token_expired',
  ],
  [
    'a new required parameter',
    (edited) =>
      (byId(edited).parameters = [...byId(edited).parameters, { name: 'as', in: 'query', required: true, schema: {} }]),
    'GET /users/{id}: the query parameter as is now required',
  ],
  [
    'a removed parameter',
    (edited) => edited.paths['/assignments/{system}/{role}/next'].get.parameters.pop(),
    'GET /assignments/{system}/{role}/next: the query parameter exclude was removed',
  ],
  [
    'another type of a parameter',
    (edited) => (byId(edited).parameters[0].schema = { type: 'string' }),
    'GET /users/{id} path parameter id: the type integer became string',
  ],
  [
    'a new required member of a body',
    (edited) => {
      schemaOf(query(edited)).properties.as = { type: 'string' };
      schemaOf(query(edited)).required.push('as');
    },
    'POST /users/query body.as: a new required member',
  ],
  [
    'a body that is now required',
    (edited) => (edited.paths['/assignments/{system}/{role}/next'].post.requestBody.required = true),
    'POST /assignments/{system}/{role}/next: the body is now required',
  ],
  [
    'a way to authenticate that is gone',
    (edited) => byId(edited).security.shift(),
    'GET /users/{id}: no longer accepts cookie',
  ],
  [
    'another content type of errors',
    (edited) => (
      (edited.components.responses.NotFound = {}),
      (byId(edited).responses[404].content = {
        'application/json': { schema: { $ref: '#/components/schemas/Problem' } },
      })
    ),
    'GET /users/{id} 404: the content type application/problem+json became application/json',
  ],
];

describe('breakingChanges', () => {
  it.each(breaking)('finds %s', (_, edit, change) => {
    expect(changesBy(edit)).toContain(change);
  });

  it('finds nothing in a document that did not change', () => {
    expect(breakingChanges(document, document)).toEqual([]);
  });

  const compatible: Array<[what: string, edit: (document: Json) => void]> = [
    ['a new path', ({ paths }) => (paths['/new'] = paths['/status'])],
    ['a new property of an answer', (edited) => (user(edited).properties.nickname = { type: 'string' })],
    ['a new reason', (edited) => edited.components.schemas.Problem.properties.reason.enum.push('new_reason')],
    [
      'a new optional parameter',
      (edited) => byId(edited).parameters.push({ name: 'as', in: 'query', required: false, schema: {} }),
    ],
    ['another summary', (edited) => (byId(edited).summary = 'Another')],
    ['an error that no longer happens', (edited) => delete byId(edited).responses[502]],
  ];
  it.each(compatible)('allows %s', (_, edit) => {
    expect(changesBy(edit)).toEqual([]);
  });
});
