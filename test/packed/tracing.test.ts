import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { askRaw, queryTarget } from '../support/app/raw-request.ts';
import { apiKey, signingKey } from '../support/app/start-app.ts';
import { codeBlocksIn, readPage } from '../support/docs/markdown.ts';
import { runProgram } from '../support/processes/run-process.ts';
import { createPacking } from './packing.ts';
import { type ReceivedSpan, startOtlpReceiver } from './otlp-receiver.ts';
import { serviceEnvironment } from '../support/processes/service-environment.ts';

const blocks = codeBlocksIn(readPage('docs/operations.md'));
const recipe = blocks.find(({ file }) => file === 'tracing.mjs')?.code ?? '';
const packages = blocks.flatMap(({ code }) => /^npm install (@opentelemetry\/.*)$/m.exec(code)?.[1]?.split(' ') ?? []);
const command = blocks.find(({ code }) => code.includes('--import ./tracing.mjs'))?.code ?? '';
const settings = Object.fromEntries(
  [...command.matchAll(/\b(OTEL_\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
);

const main = 'node_modules/@auth-bff/server/dist/main.js';
const server = 2;
const client = 3;
const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';

/** The packed service beside the packages of the recipe. */
const install = async () => {
  const packing = createPacking('server');
  const folder = await packing.project('traced', packages);
  writeFileSync(join(folder, 'tracing.mjs'), recipe);
  return { ...packing, folder };
};

let packed: Awaited<ReturnType<typeof install>>;
beforeAll(async () => {
  packed = await install();
}, 400_000);
afterAll(() => packed?.[Symbol.dispose](), 60_000);

/** Two requests to a service that runs with the module: one that succeeds, and one whose upstream calls fail and are retried. */
const trace = async (module: string) => {
  await using collector = await startOtlpReceiver();
  await using authService = await startAuthService({ dialect: 'guide', signingKey, apiKey, now: Date.now });
  await using bff = runProgram({
    program: process.execPath,
    args: ['--import', module, main],
    cwd: packed.folder,
    env: {
      PATH: process.env.PATH ?? '',
      ...serviceEnvironment(authService.url),
      ...settings,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      // The others ask the network of a cloud.
      OTEL_NODE_RESOURCE_DETECTORS: 'env',
    },
  });
  const [, url = ''] = await bff.printed(/"address":"([^"]+)".*Listening\./);
  const { access } = await authService.issue({ type: 'staff', id: 123 });
  const headers = { cookie: `access_token=${access}`, traceparent: `00-${traceId}-${parentId}-01` };
  const ask = (id: number) => askRaw(url, { target: queryTarget('users.byId', { json: { id } }), headers });
  await ask(5);
  authService.fault('user', { kind: 'status', status: 503 });
  await ask(12);
  bff.kill('SIGTERM');
  expect(await bff.exited).toBe(0);
  return {
    spans: collector.spans,
    calls: authService.calls.filter(({ path }) => path.includes('user-info')),
    log: bff.output(),
  };
};

const ofKind = (spans: readonly ReceivedSpan[], kind: number) => spans.filter((span) => span.kind === kind);

describe('the OTLP recipe of docs/operations.md', () => {
  it('installs three packages and sends to the port of a collector', () => {
    expect(packages).toHaveLength(3);
    expect(settings).toMatchObject({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' });
  });

  it.each([
    ['the recipe', './tracing.mjs'],
    ['the auto-instrumentation alone', '@opentelemetry/auto-instrumentations-node/register'],
  ])('%s gives one server span a request, and one client span an attempt at the Auth Service', async (_, module) => {
    const { spans, calls, log } = await trace(module);
    const ours = spans.filter((span) => span.traceId === traceId);
    const requests = ofKind(ours, server);
    expect(requests).toMatchObject([
      { name: 'trpc users.byId', parentSpanId: parentId },
      { name: 'trpc users.byId', parentSpanId: parentId },
    ]);
    const attempts = ofKind(ours, client);
    expect(calls.length).toBeGreaterThan(2);
    expect(attempts).toHaveLength(calls.length);
    const [first, second] = requests;
    expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual([
      first?.spanId,
      ...calls.slice(1).map(() => second?.spanId),
    ]);
    // Each attempt sent one traceparent, that of its own span.
    expect(calls.map(({ headers }) => headers.traceparent)).toEqual(
      attempts.map(({ spanId }) => `00-${traceId}-${spanId}-01`),
    );
    expect(JSON.stringify(ours)).not.toMatch(/input=|user-info\/\d|%7B/);
    for (const { spanId } of requests) expect(log).toContain(`"span_id":"${spanId}"`);
  });
});
