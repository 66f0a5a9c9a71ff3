import { createHash } from 'node:crypto';
import { openApiPath } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';
import { createOpenApiDocument } from '../../api/rest/openapi-document.ts';
import { readVersion } from '../../version.ts';
import { publicDocumentHeaders } from '../public-document.ts';

const createBody = () => {
  const body = JSON.stringify(createOpenApiDocument({ version: readVersion() }));
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
};

/**
 * Serves `/bff/openapi.json` to pages of every origin: it is the same for everyone, and contains nothing secret. It is built
 * for the first request, because most processes are never asked for it.
 */
export const registerOpenApi = (server: FastifyInstance): void => {
  let built: ReturnType<typeof createBody> | null = null;
  server.get(openApiPath, { config: { cors: false } }, async (request, reply) => {
    built ??= createBody();
    const { body, etag } = built;
    reply.headers({ ...publicDocumentHeaders, etag });
    if (request.headers['if-none-match']?.includes(etag) === true) return reply.code(304).send();
    return reply.type('application/json').send(body);
  });
};
