import { expect, it } from 'vitest';
import { root, runProgram } from '../support/processes/run-process.ts';
import { serve } from '../support/app/serve.ts';

const advisory = {
  id: 1,
  url: 'https://registry.example/advisories/1',
  title: 'An advisory of this test',
  severity: 'high',
  vulnerable_versions: '<999',
  cwe: [],
  cvss: { score: 9, vectorString: null },
};

it.each([
  {
    registry: 'reports a vulnerability',
    status: 200,
    body: { fastify: [advisory] },
    code: 1,
    output: /^high: fastify/,
  },
  { registry: 'reports none', status: 200, body: {}, code: 0, output: /no known vulnerabilities/ },
  { registry: 'has no audit endpoint', status: 405, body: {}, code: 0, output: /NOT AVAILABLE.*\(HTTP 405\)/ },
  { registry: 'fails', status: 503, body: {}, code: 1, output: /did not answer/ },
])('the audit exits with $code if the registry $registry', async ({ status, body, code, output }) => {
  await using registry = await serve((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(request.method === 'POST' ? status : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(request.method === 'POST' ? body : {}));
    });
  });
  await using audit = runProgram({
    program: process.execPath,
    args: ['.ci/audit.mjs'],
    cwd: root,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      npm_config_registry: registry.url,
      npm_config_fetch_retries: '0',
    },
  });
  expect(await audit.exited).toBe(code);
  expect(audit.output()).toMatch(output);
});
