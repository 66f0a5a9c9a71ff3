import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiDocsPath, csrfHeader, csrfValue, openApiPath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { swaggerUiFiles } from '../../swagger-ui-folder.ts';

export type ApiDocsOptions = {
  /** The folder with the files of Swagger UI. */
  folder: string;
};

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>auth-bff: API reference</title>
<link rel="icon" href="${apiDocsPath}/favicon-32x32.png">
<link rel="stylesheet" href="${apiDocsPath}/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="${apiDocsPath}/swagger-ui-bundle.js"></script>
<script src="${apiDocsPath}/start.js"></script>
</body>
</html>
`;

/** A file, because the policy forbids scripts in the page. Requests of the page carry the session cookie, so they need x-csrf. */
const start = `SwaggerUIBundle({
  url: '${openApiPath}',
  dom_id: '#reference',
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers['${csrfHeader}'] = '${csrfValue}';
    return request;
  },
});
`;

/** Everything comes from the BFF itself. Images of the style sheet are data URLs. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const typeOf = (name: string): string => {
  if (name.endsWith('.js')) return 'text/javascript; charset=utf-8';
  return name.endsWith('.css') ? 'text/css; charset=utf-8' : 'image/png';
};

/** Serves `/bff/docs`: the reference of the REST mirror, by Swagger UI. Its files are read when they are first asked for. */
export const registerApiDocs = (server: FastifyInstance, { folder }: ApiDocsOptions): void => {
  const files = new Map<string, Promise<Buffer>>();
  const read = (name: string): Promise<Buffer> => {
    const known = files.get(name);
    if (known !== undefined) return known;
    const file = readFile(join(folder, name));
    files.set(name, file);
    // A file that could not be read is tried again.
    file.catch(() => files.delete(name));
    return file;
  };
  const send = (reply: FastifyReply, type: string, content: string | Buffer) =>
    reply
      .headers({ 'content-security-policy': contentSecurityPolicy, 'cache-control': 'public, max-age=300' })
      .type(type)
      .send(content);

  for (const path of [apiDocsPath, `${apiDocsPath}/`]) {
    server.get(path, async (_request, reply) => send(reply, 'text/html; charset=utf-8', page));
  }
  server.get<{ Params: { file: string } }>(`${apiDocsPath}/:file`, async (request, reply) => {
    const { file } = request.params;
    if (file === 'start.js') return send(reply, typeOf(file), start);
    if (!swaggerUiFiles.some((name) => name === file)) return reply.callNotFound();
    return send(reply, typeOf(file), await read(file));
  });
};
