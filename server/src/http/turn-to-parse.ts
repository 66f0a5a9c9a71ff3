import type { FastifyRequest } from 'fastify';
import { sourceOf } from '../auth-service/resilience/call-source.ts';
import { slices } from '../platform/cooperative-yield.ts';
import { clientAddressOf } from './plugins/client-address.ts';

/** Characters of an input that take as long to parse as one record takes to load, validate and serialize. */
const charactersPerRecord = 160;
/** Smaller requests never wait. An ordinary batch of 50 calls such as `users.byId` counts as 18 to 22 records. */
const minRecordsToParse = 25;

/** The cost of parsing a request, in records. */
const recordsToParse = ({ body, raw }: FastifyRequest): number => {
  const characters = (raw.url?.length ?? 0) + (typeof body === 'string' ? body.length : 0);
  return Math.floor(characters / charactersPerRecord);
};

/**
 * The slice of the event loop in which a request may be parsed. Undefined: at once. Parsing 50 large inputs that arrive
 * together would block the event loop.
 */
export const turnToParse = (request: FastifyRequest): Promise<void> | undefined => {
  const records = recordsToParse(request);
  // Most inputs are small, so their source need not be computed.
  if (records < minRecordsToParse) return undefined;
  return slices.take(records, sourceOf({ address: clientAddressOf(request) }).name);
};
