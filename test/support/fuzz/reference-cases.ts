import * as fc from 'fast-check';
import { maxCallsPerBatch } from '../../../shared/src/index.ts';
import { postHeaders, type RawRequest, written } from '../app/raw-request.ts';
import { inputsOf, procedures } from '../trpc-corpus/calls.ts';
import { type Case, persons } from '../app/reference-pair.ts';
import { fuzzInput, mutate } from './inputs.ts';
import { createRandom } from './random.ts';

const seed = fc.nat();

/** Removes characters that Node's HTTP client rejects in a path. */
const sendable = (target: string): string => target.replaceAll(/[^\u0021-\u00ff]/g, '');
const wellFormed = (text: string): string => text.replaceAll(/[\ud800-\udfff]/g, '\ufffd');

const rightInputs = new Map(Object.entries(inputsOf).map(([path, [first]]) => [path, written(first)]));

const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...Object.keys(procedures)) },
  fc.constantFrom(
    'no.such',
    '',
    'users',
    'users.byId.',
    '__proto__',
    'constructor',
    'toString',
    '%75sers.byId',
    'users%2EbyId',
  ),
);
const names = fc.oneof(
  { weight: 6, arbitrary: fc.array(name, { minLength: 1, maxLength: 1 }) },
  { weight: 5, arbitrary: fc.array(name, { minLength: 2, maxLength: 5 }) },
  fc
    .tuple(name, fc.constantFrom(maxCallsPerBatch, maxCallsPerBatch + 1))
    .map(([one, count]) => Array.from({ length: count }, () => one)),
);

/** Null: a valid input of the procedure. */
const input = fc.oneof(
  { weight: 5, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: seed.map((one) => wellFormed(fuzzInput(createRandom(one)))) },
  fc.json({ maxDepth: 3 }).map(wellFormed),
  fc.constantFrom('', 'null', '{"json":{"id":5}}', '{"json":{"id":999999}}'),
);

const encode = fc.oneof(
  { weight: 6, arbitrary: fc.constant(encodeURIComponent) },
  fc.constantFrom<Array<(text: string) => string>>(
    (text) => new URLSearchParams({ '': text }).toString().slice(1),
    (text) => encodeURIComponent(text).replaceAll('%22', '"').replaceAll('%7B', '{'),
    (text) => encodeURIComponent(text).toLowerCase(),
    (text) => encodeURIComponent(encodeURIComponent(text)),
    (text) => text.replaceAll(/[^!-~]/g, ''),
  ),
);

const parameters: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<string[]>(['usual']) },
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('batch=1', 'input=', 'input=') },
      fc.constantFrom(
        'batch=0',
        'batch=%31',
        'b%61tch=1',
        'batch',
        'in%70ut=',
        'connectionParams={}',
        'connectionParams=x',
        'x=1',
        'x=%00',
        'x=%ED%A0%80',
        '',
        '#',
        '?',
        '%',
        '%ff',
        '+',
      ),
    ),
    { maxLength: 4 },
  ),
);

const headers = fc.subarray<[string, string]>(
  [
    ['accept', 'application/jsonl'],
    ['accept', 'text/html,*/*'],
    ['trpc-accept', 'application/jsonl'],
    ['content-type', 'application/json; charset=utf-8'],
    ['content-type', 'text/plain'],
    ['content-type', 'multipart/form-data; boundary=x'],
    ['content-type', ''],
    ['x-csrf', '2'],
    ['x-request-id', 'ours'],
    ['x-request-id', 'not ours'],
    ['origin', 'https://tts.example.org'],
    ['origin', 'https://evil.example'],
    ['sec-fetch-site', 'cross-site'],
    ['host', 'bff.example:80'],
    ['host', 'a@b'],
    ['last-event-id', '1'],
    ['x-http-method-override', 'POST'],
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ],
  { maxLength: 2 },
);

const parts = fc.record({
  names,
  comma: fc.oneof({ weight: 8, arbitrary: fc.constant(',') }, fc.constantFrom('%2C', ',,', ', ')),
  isBatch: fc.boolean(),
  inputs: fc.array(input, { minLength: 1, maxLength: 5 }),
  encode,
  parameters,
  method: fc.oneof({ weight: 10, arbitrary: fc.constant(null) }, fc.constantFrom('GET', 'POST', 'HEAD', 'PUT')),
  headers: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, headers),
  targetSeed: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, seed),
  bodySeed: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, seed),
  isChunked: fc.boolean(),
});

type Parts = typeof parts extends fc.Arbitrary<infer Made> ? Made : never;

/** The inputs of the calls, valid or not. */
const textOf = ({ names: paths, inputs, isBatch }: Parts): string => {
  const inputAt = (index: number): string =>
    inputs[index % inputs.length] ?? rightInputs.get(paths[index] ?? '') ?? '{}';
  if (!isBatch && paths.length === 1) return inputAt(0);
  return `{${paths.map((_, index) => `"${index}":${inputAt(index)}`).join(',')}}`;
};

const usualMethodOf = (path: string | undefined) => (procedures[path ?? ''] === 'mutation' ? 'POST' : 'GET');

/** A request in the format of tRPC clients, with small deviations or some changed bytes. */
const toRequest = (made: Parts): RawRequest => {
  const text = textOf(made);
  const method = made.method ?? usualMethodOf(made.names[0]);
  const isPost = method === 'POST';
  const usual = [...(made.isBatch || made.names.length > 1 ? ['batch=1'] : []), ...(isPost ? [] : ['input='])];
  const query = made.parameters
    .flatMap((one) => (one === 'usual' ? usual : [one]))
    .map((one) => (one.endsWith('put=') ? `${one}${made.encode(text)}` : one))
    .join('&');
  const target = `/trpc/${made.names.join(made.comma)}${query === '' ? '' : `?${query}`}`;
  const body = made.bodySeed === null ? text : mutate(createRandom(made.bodySeed), text);
  const request = {
    method,
    target: sendable(made.targetSeed === null ? target : mutate(createRandom(made.targetSeed), target)),
    headers: { ...(isPost ? postHeaders : {}), ...Object.fromEntries(made.headers) },
  };
  return isPost ? { ...request, body: made.isChunked ? [body] : body } : request;
};

export const fuzzedCase: fc.Arbitrary<Case> = fc.record({
  name: fc.constant('a random request'),
  as: fc.oneof({ weight: 4, arbitrary: fc.constant('staff' as const) }, fc.constantFrom(...persons)),
  request: parts.map(toRequest),
  by: fc.constant(null),
});
