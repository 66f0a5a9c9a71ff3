import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRestRoute, restRoutes } from '../../../../server/src/api/rest/rest-routes.ts';
import { askRest } from '../../../support/app/ask-rest.ts';
import { createRawConnection, type RawConnection } from '../../../support/app/raw-connection.ts';
import { startSignedIn } from '../../../support/app/start-signed-in.ts';

const hostileTexts = [
  '',
  '%20',
  '.',
  '..',
  '%2e%2e',
  '%2F',
  '%5c',
  '%25',
  '%00',
  '%ed%a0%80',
  '%zz',
  '%',
  'null',
  'undefined',
  'NaN',
  'Infinity',
  '-1',
  '0',
  '-0',
  '1e3',
  '0x7',
  '07',
  '7.0',
  '+7',
  '9007199254740993',
  '9'.repeat(400),
  '1e400',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '%F0%9F%92%A9',
  '%E2%80%AE',
  'TTS;drop',
  "'",
  '%22',
  '{}',
  '[]',
  '[object%20Object]',
  '*',
  ':id',
  '{id}',
  'a,b',
  '1,2',
  '%0d%0aset-cookie:x=1',
  'x'.repeat(3_000),
  '%C4%B1',
  'true',
  '5',
];
const hostileQueries = [
  '',
  '&',
  '=',
  '&&=&',
  'exclude',
  'exclude=',
  'exclude=,',
  'exclude=1&exclude=',
  'exclude[]=1',
  'exclude[0]=1',
  'exclude=%00',
  'exclude=%',
  'exclude=NaN',
  `exclude=${'1,'.repeat(600)}1`,
  '__proto__=1',
  'constructor=1',
  '__proto__[x]=1',
  'toString=1',
  'exclude=1e3',
  'exclude=[1]',
  'exclude=5#fragment',
  '?',
  '??exclude=1',
  'id=7',
  'system=BMS',
];
const hostileBodies = [
  '',
  ' ',
  'null',
  'true',
  '0',
  '""',
  '[]',
  '{}',
  '{',
  '}',
  '"',
  '[[[[',
  '['.repeat(20_000),
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"ids":'.repeat(9_000)}1${'}'.repeat(9_000)}`,
  '{"ids":null}',
  '{"ids":{}}',
  '{"ids":[null]}',
  '{"ids":[]}',
  '{"ids":"5"}',
  '{"ids":[1e400]}',
  '{"ids":[-0]}',
  '{"ids":[5,5,5]}',
  '{"__proto__":{"ids":[5]}}',
  '{"constructor":1}',
  '{"ids":[5],"__proto__":1}',
  '{"toJSON":1}',
  '{"then":1}',
  '{"key":{}}',
  '{"key":"__proto__"}',
  '{"key":"","exclude":[]}',
  '{"exclude":[0]}',
  '{"key":"\\ud800"}',
  '\ufeff{"ids":[5]}',
  '{"ids":[5]}x',
  `{"key":"${'k'.repeat(201)}"}`,
  '{"system":"BMS"}',
  '{"json":{"ids":[5]}}',
  '{"length":1}',
  '{"ids":[5],"ids":["x"]}',
];

let test: Awaited<ReturnType<typeof startSignedIn>>;
let connection: RawConnection;
beforeAll(async () => {
  test = await startSignedIn({ env: { RATE_LIMIT_PER_MINUTE: '0' } });
  connection = createRawConnection(test.url);
});
afterAll(async () => {
  connection.close();
  await test[Symbol.asyncDispose]();
});

const routes = Object.values(restRoutes).filter(isRestRoute);
const plain: Record<string, string> = { id: '5', companyId: 'MA0001', system: 'TTS', role: 'Technician' };

/** The path with one of its parameters replaced. */
const pathsOf = (path: string): string[] => {
  const fill = (replaced: string | null, text: string) =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === replaced ? text : (plain[name] ?? '')));
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return names.flatMap((name) => hostileTexts.map((text) => fill(name, text)));
};
const plainPathOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, (_, name: string) => plain[name] ?? '');

it.each(routes)('$method $path answers hostile parts with JSON below 500', async ({ method, path }) => {
  const plainPath = plainPathOf(path);
  const requests = [
    ...pathsOf(path).map((hostile) => ({ method, path: hostile })),
    ...hostileQueries.map((query) => ({ method, path: `${plainPath}?${query}` })),
    ...hostileBodies.map((body) => ({ method: 'POST', path: plainPath, body })),
  ];
  const faults: string[] = [];
  for (const request of requests) {
    const { status, headers, body, json } = await askRest(connection, {
      ...request,
      headers: { authorization: `Bearer ${test.tokens.access}` },
    });
    const isJson = /^application\/(problem\+)?json/.test(headers['content-type'] ?? '');
    const hasReason = status < 400 || (json as { reason?: string } | null)?.reason !== undefined;
    if (status < 500 && isJson && hasReason && headers['set-cookie'] === undefined) continue;
    faults.push(`${request.method} ${request.path.slice(0, 200)}: ${status} ${body.slice(0, 300)}`);
  }
  expect(faults).toEqual([]);
  expect(({} as Record<string, unknown>).ids).toBeUndefined();
});
