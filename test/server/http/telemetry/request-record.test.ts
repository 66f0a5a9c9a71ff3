import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createInFlightRequests } from '../../../../server/src/http/telemetry/request-record.ts';

const start = () => {
  const inFlight = createInFlightRequests({ monotonicNow: () => 0 });
  return {
    ...inFlight,
    begin: (id: string) => inFlight.begin({ id, raw: new IncomingMessage(new Socket()) }),
    ids: () => inFlight.all().map(({ id }) => id),
  };
};

describe('the requests in flight', () => {
  it('are those that have begun and not ended, in any order of their ends', () => {
    const { begin, end, ids } = start();
    const [first, second, third] = ['a', 'b', 'c'].map(begin);
    if (first === undefined || second === undefined || third === undefined) throw new Error('No record.');
    end(first);
    expect(ids().toSorted()).toEqual(['b', 'c']);
    begin('d');
    end(third);
    expect(ids().toSorted()).toEqual(['b', 'd']);
    end(second);
    expect(ids()).toEqual(['d']);
  });

  it('lose no other request if one ends twice', () => {
    const { begin, end, ids } = start();
    const [, , last] = [begin('a'), begin('b'), begin('c')];
    end(last);
    end(last);
    expect(ids()).toEqual(['a', 'b']);
  });

  it('are found by id, the newest of those with the same', () => {
    const { begin, end, find, ids } = start();
    const [older, newer] = [begin('a'), begin('a')];
    expect(find('a')).toBe(newer);
    end(older);
    expect(find('a')).toBe(newer);
    end(newer);
    expect(find('a')).toBeUndefined();
    expect(ids()).toEqual([]);
  });
});
