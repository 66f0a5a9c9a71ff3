import type { Case } from '../app/reference-pair.ts';

const hosts: readonly string[] = [
  '[',
  'a b',
  'somebody@bff.example',
  'a:99999',
  '',
  'a/b',
  'a?b',
  'a#b',
  'a\\b',
  'a%',
  '%00',
  '1.2.3.4.5',
  '\u00ff',
];

const posted = ['host: a', 'content-type: application/json', 'x-csrf: 1'];

const requests: ReadonlyArray<readonly string[]> = [
  ['GET /trpc/status.get HTTP/1.1'],
  ['GET /trpc/status.get HTTP/1.0'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', 'host: b'],
  ['GET http://somebody@bff.example/trpc/status.get HTTP/1.1', 'host: a'],
  ['GET http://[/trpc/status.get HTTP/1.1', 'host: a'],
  ['GET http:///trpc/status.get HTTP/1.1', 'host: a'],
  ['GET ftp://a/trpc/status.get HTTP/1.1', 'host: a'],
  ['GET trpc/status.get HTTP/1.1', 'host: a'],
  ['GET /trpc/status.get?input=\t{} HTTP/1.1', 'host: a'],
  ['GET /trpc/status.get?batch=\t1 HTTP/1.1', 'host: a'],
  ['GET /trpc/status.get?batch=1\t HTTP/1.1', 'host: a'],
  ['GET /trpc/users.byId?input={"json":{"id":"\u0001"}} HTTP/1.1', 'host: a'],
  ['GET /trpc/status.get?batch=1\u0001 HTTP/1.1', 'host: a'],
  ['GET /trpc/status.get?batch=1\u007f HTTP/1.1', 'host: a'],
  ['GET /trpc/status.get?batch=1\u0080 HTTP/1.1', 'host: a'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', 'x-odd: \u0080\u00ff'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', 'x odd: 1'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', 'x"odd: 1'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', 'x(odd): 1'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', ': 1'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', 'x-odd: a\u0001b'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', 'accept:', 'trpc-accept:'],
  ['GET /trpc/status.get HTTP/1.1', 'host: a', 'accept: text/html', 'accept: application/jsonl'],
  ['GET /trpc/status.get?batch=1 HTTP/1.1', 'host: a', 'accept: text/html', 'accept: application/jsonl'],
  ['get /trpc/status.get HTTP/1.1', 'host: a'],
  ['GET /trpc/status.get HTTP/2.0', 'host: a'],
  // Without content-length and transfer-encoding there is no body, not even an empty one.
  ['POST /trpc/session.refresh HTTP/1.1', ...posted],
  ['POST /trpc/session.logout?batch=1 HTTP/1.1', ...posted],
  ['POST /trpc/assignments.next HTTP/1.1', ...posted],
  ['POST /trpc/status.get HTTP/1.1', ...posted],
  ['POST /trpc/no.such,nor.this?batch=1 HTTP/1.1', ...posted],
];

const toCase = (lines: readonly string[]): Case => ({
  name: 'lines',
  request: [...lines, 'connection: close', '', ''],
  by: null,
});

/** Request lines and headers that Node's HTTP client cannot send. */
export const lineCases: readonly Case[] = [
  ...hosts.flatMap((host) =>
    ['/trpc/users.me', '/trpc/status.get?batch=1', '/trpc/no.such'].map((target) =>
      toCase([`GET ${target} HTTP/1.1`, `host: ${host}`]),
    ),
  ),
  ...requests.map(toCase),
];
