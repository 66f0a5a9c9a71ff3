import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { breakingChanges } from '../../../../server/build/openapi-changes.ts';
import { createOpenApiDocument } from '../../../../server/src/api/rest/openapi-document.ts';
import { isRestRoute, restRoutes } from '../../../../server/src/api/rest/rest-routes.ts';
import { appRouter } from '../../../../server/src/api/router.ts';
import { codeOfReason } from '../../../../shared/src/index.ts';

const committed = JSON.parse(
  readFileSync(new URL('../../../../docs/openapi.json', import.meta.url), 'utf8'),
) as ReturnType<typeof createOpenApiDocument>;
// A release changes the version alone.
const { version } = committed.info;
const document = createOpenApiDocument({ version });
const procedures = Object.keys(appRouter._def.procedures);

describe('the REST table', () => {
  it('has a path or a reason for every procedure of the router, and for nothing else', () => {
    expect(Object.keys(restRoutes).toSorted()).toEqual(procedures.toSorted());
    const without = Object.values(restRoutes).filter((route) => !isRestRoute(route) && route.reason.length < 20);
    expect(without).toEqual([]);
  });

  it('has each method and path once', () => {
    const routes = Object.values(restRoutes).filter(isRestRoute);
    const keys = routes.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('serves what changes nothing by GET, except for the query whose ids do not fit into a URL', () => {
    const types = appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>;
    const posted = Object.entries(restRoutes).filter(([, route]) => isRestRoute(route) && route.method === 'POST');
    expect(posted.map(([name]) => [name, types[name]?._def.type])).toEqual([
      ['users.byIds', 'query'],
      ['assignments.next', 'mutation'],
      ['assignments.reassign', 'mutation'],
      ['assignments.setAvailability', 'mutation'],
      ['assignments.reset', 'mutation'],
    ]);
  });
});

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document) as never)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('breaks no client of the document in docs/openapi.json', () => {
    // If a change is meant: npm run openapi -- --breaking, and a changeset that names it.
    expect(breakingChanges(committed, document)).toEqual([]);
  });

  it('is the one in docs/openapi.json: run npm run openapi', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(committed);
  });

  it('describes every operation of the table', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const expected = Object.values(restRoutes).filter(isRestRoute);
    const picture = ['PUT', 'DELETE'].map((method) => `${method} /account/picture`);
    expect(described.toSorted()).toEqual(
      [...expected.map(({ method, path }) => `${method} ${path}`), ...picture].toSorted(),
    );
  });

  it('says that the picture is beside the mirror, takes images, and needs x-csrf from every person', () => {
    const { put, delete: remove } = document.paths['/account/picture'] ?? {};
    for (const operation of [put, remove]) {
      expect(operation).toMatchObject({
        servers: [{ url: '/bff' }],
        security: [{ cookie: [] }, { bearer: [] }],
        parameters: [{ name: 'x-csrf', in: 'header', required: true }],
      });
    }
    expect(put).toMatchObject({ requestBody: { content: { 'image/png': {}, 'image/webp': {} } } });
    expect(remove).not.toHaveProperty('requestBody');
  });

  it('writes dates as date-time, ids as integers, and lets answers have more members', () => {
    const { User, Session } = document.components.schemas as Record<string, { properties: Record<string, unknown> }>;
    expect(User?.properties).toMatchObject({
      id: { type: 'integer' },
      joinedAt: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] },
      roles: { anyOf: [{ type: 'array', items: { $ref: '#/components/schemas/SystemRole' } }, { type: 'null' }] },
    });
    expect(User).not.toHaveProperty('additionalProperties');
    expect(Session?.properties.expiresAt).toEqual({ type: 'string', format: 'date-time' });
  });

  it('names every reason, the three ways to authenticate, and problem+json for every error', () => {
    expect(document.components.schemas?.Problem).toMatchObject({
      properties: { reason: { enum: Object.keys(codeOfReason) } },
    });
    expect(document.components.securitySchemes).toMatchObject({
      cookie: { in: 'cookie', name: 'access_token' },
      bearer: { scheme: 'bearer' },
      apiKey: { in: 'header', name: 'X-API-Key' },
    });
    type Response = { $ref?: string; content?: object };
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const errors = operations.flatMap(({ responses }) =>
      Object.entries(responses as Record<string, Response>).filter(([status]) => status !== '200'),
    );
    const types = errors.map(([, { $ref, content }]) => {
      const shared = document.components.responses?.[$ref?.split('/').at(-1) ?? ''] as Response | undefined;
      return Object.keys(content ?? shared?.content ?? {}).join();
    });
    expect(new Set(types)).toEqual(new Set(['application/problem+json']));
  });
});
