import { serialize, type SuperJSONResult } from 'superjson';
import { describe, expect, it } from 'vitest';
import { readInput, unstorableInputError } from '../../../server/src/api/input-transformer.ts';

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
    'is rejected with a superjson type that our inputs do not use: %s',
    (input) => {
      expect(() => readInput(received({ input }))).toThrow('a superjson type that is not allowed');
    },
  );

  it.each([['a\0'], [{ of: ['\ud800'] }], [{ '\0': new Date(0) }]])(
    'is marked with text that no service can store: %j',
    (input) => {
      const read = readInput(received(input));
      expect(unstorableInputError(read)).toMatchObject({ reason: 'invalid_input', issues: [{}] });
      // As tRPC copies the input of a subscription that is resumed.
      expect(unstorableInputError({ ...(read as object), lastEventId: '1' })).toMatchObject({
        reason: 'invalid_input',
      });
    },
  );

  it('is not marked with other text', () => {
    for (const input of [undefined, null, 'text', 5, { of: ['😀'] }]) {
      expect(unstorableInputError(readInput(received(input)))).toBeNull();
    }
  });

  it('is refused where its annotations are deeper than any input', () => {
    expect(() => readInput(annotated(11))).toThrow('annotations of the input are too deep');
  });
});
