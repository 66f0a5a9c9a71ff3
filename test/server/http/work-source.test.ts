import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { workSourceOf } from '../../../server/src/http/work-source.ts';
import { createInFlightRequests } from '../../../server/src/http/telemetry/request-record.ts';

const requestOf = (known: { service?: string; person?: { type: 'staff' | 'employee'; id: number } }) => {
  const record = createInFlightRequests({ monotonicNow: () => 0 }).begin({
    id: 'r-1',
    raw: new IncomingMessage(new Socket()),
  });
  return { id: 'r-1', record: Object.assign(record, known) };
};

it('large answers of a service share one source, as those of a person do, however many requests it sends', () => {
  expect(workSourceOf(requestOf({ service: 'desk' }))).toBe('service desk');
  expect(workSourceOf(requestOf({ person: { type: 'staff', id: 123 } }))).toBe('staff 123');
  expect(workSourceOf(requestOf({}))).toBe('r-1');
});
