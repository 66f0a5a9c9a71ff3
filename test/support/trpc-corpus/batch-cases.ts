import { maxCallsPerBatch } from '../../../shared/src/index.ts';
import { crowd } from '../app/crowd.ts';
import type { Case } from '../app/reference-pair.ts';
import { inputsText, postOf, queryOf, turn } from './calls.ts';

const users = (count: number): [string, string] => [
  Array.from({ length: count }, () => 'users.byId').join(','),
  inputsText(Array.from({ length: count }, (_, index) => ({ id: index + 1 }))),
];

/** Inputs with long responses. Multiples of 100, because otherwise the ids in the last upstream request depend on timing. */
const many = [crowd(500), crowd(300, 500)].map((ids) => ({ ids }));

const batches: ReadonlyArray<[path: string, input: string | undefined]> = [
  ...[1, 2, 10, maxCallsPerBatch, maxCallsPerBatch + 1].map(users),
  ['users.byId,users.byId', inputsText([{ id: 5 }, { id: 5 }])],
  ['users.byId,users.byIds,users.byId', inputsText([{ id: 5 }, { ids: [5, 12] }, { id: 12 }])],
  ['users.byIds,users.byIds', inputsText(many)],
  ['users.byIds,users.byId,no.such,users.byId', inputsText([many[1], { id: 5 }, undefined, { id: 'x' }])],
  ['session.me,users.me,status.get,session.validate', undefined],
  ['session.me,users.byId,users.byId', inputsText([undefined, { id: 5 }, { id: 999_999 }])],
  ['users.byId,users.byId', inputsText([{ id: 'x' }, { id: 0 }])],
  ['users.byId,users.byRole', inputsText([{ id: 5 }, { system: 'TTS', role: '\ud800' }])],
  ['users.byRole,session.me,no.such', inputsText([{ system: 'TTS', role: 'a\0' }, { '\0': 1 }, '\0'])],
  ['session.me,no.such', undefined],
  ['no.such,session.me', '{}'],
  ['no.such,nor.this', undefined],
  ['no.such,assignments.next', inputsText([1, turn])],
  ['assignments.next,no.such', inputsText([turn])],
  ['assignments.next,assignments.next', inputsText([turn, { ...turn, exclude: [1] }])],
  ['assignments.next,session.logout', inputsText([turn])],
  ['session.logout,session.refresh', '{}'],
  ['session.login,session.login', inputsText([{ email: 'user@example.com', password: 'staff-pass-1' }, {}])],
  ['session.me,session.logout', undefined],
  ['assignments.next,users.byId', inputsText([turn, { id: 5 }])],
  ['users.byId,assignments.next,no.such', inputsText([{ id: 5 }, turn])],
  ...['', ',', ',,', 'session.me,', ',session.me', 'session.me,,users.me', 'session.me, users.me', ',no.such'].map(
    (path): [string, undefined] => [path.replaceAll(' ', '%20'), undefined],
  ),
  ...[
    '',
    'null',
    'true',
    '0',
    '"x"',
    '[]',
    '[{"json":{"id":5}},{"json":{"id":5}}]',
    '{}',
    '{"0":{"json":{"id":5}}}',
    '{"1":{"json":{"id":5}}}',
    '{"0":{"json":{"id":5}},"1":{"json":{"id":12}},"2":{"json":{"id":1}}}',
    '{"00":{"json":{"id":5}},"-1":1,"1.0":1}',
    '{"0":null}',
    '{"0":{"json":{"id":5}},"1":null}',
    '{"0":{"json":{"id":5}},"1":"x"}',
    '{"0":{"json":{"id":5}},"1":{"json":1,"meta":{"values":["set"]}}}',
    '{"0":{"json":{"id":5}},"7":{"json":1,"meta":{"values":["set"]}}}',
    '{"__proto__":{"0":{"json":{"id":5}}}}',
    '{"length":2}',
    '{"0":{"json":{"id":5}},"0":{"json":{"id":12}}}',
    '{"json":{"id":5}}',
    '{"0":',
  ].map((input): [string, string] => ['users.byId,users.byId', input]),
];

type Batch = (typeof batches)[number];

const asPeople = ([path, input]: Batch, text: string): Case[] =>
  (['staff', 'employee'] as const).map((as) => ({
    name: 'a batch',
    as,
    request: queryOf(path, input, 'batch=1&'),
    by: 'own',
    text,
  }));

const asOthers = ([path, input]: Batch, text: string): Case[] => [
  { name: 'a batch', as: 'expired', request: postOf(`${path}?batch=1`, input ?? '{}'), by: 'own', text },
  { name: 'a batch', as: 'staff', request: postOf(`${path}?batch=1`, input ?? '{}'), by: 'own', text },
  { name: 'no batch', as: 'staff', request: queryOf(path, input), by: 'own', text },
];

/** Batches of two signed-in callers. */
export const upstreamBatchCases: readonly Case[] = batches.flatMap((batch) => asPeople(batch, String(batch)));

/** Batches, and the same paths without a batch. */
export const batchCases: readonly Case[] = batches.flatMap((batch) => {
  const text = String(batch);
  return asPeople(batch, text).concat(asOthers(batch, text));
});
