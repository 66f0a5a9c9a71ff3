import { serialize, type SuperJSONResult } from 'superjson';
import { describe, expect, it } from 'vitest';
import { readInput } from '../../server/src/input-transformer.ts';

const received = (input: unknown) => JSON.parse(JSON.stringify(serialize(input))) as SuperJSONResult;
const annotated = (depth: number): SuperJSONResult => {
  let values: unknown = ['Date'];
  for (let level = 0; level < depth; level += 1) values = { a: values };
  return { json: {}, meta: { values } } as SuperJSONResult;
};

describe('an input', () => {
  it.each([
    [{ ids: [1, 2, 3] }],
    [{ at: new Date(0), of: { was: undefined, is: [Number.NaN, new Date(1)] } }],
    [undefined],
    ['text'],
  ])('is read as it was written: %j', (input) => {
    expect(readInput(received(input))).toEqual(input);
  });

  it.each([[new Map([['a', 1]])], [new Set([1])], [10n], [/x/], [new Uint8Array(3)], [new Error('x')]])(
    'is refused with a type that no input has: %s',
    (input) => {
      expect(() => readInput(received({ input }))).toThrow('a type that no input has');
    },
  );

  it('is refused where its annotations are deeper than any input', () => {
    expect(() => readInput(annotated(11))).toThrow('deeper than any input');
  });
});
