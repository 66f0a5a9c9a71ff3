import { transformTRPCResponse } from '@trpc/server';
import { getHTTPStatusCode } from '@trpc/server/http';
import type { TRPCResponse } from '@trpc/server/rpc';
import { countRecords, writeOutputInParts } from '../../api/output-transformer.ts';
import { appRouter } from '../../api/router.ts';
import { recordsPerSlice, slices } from '../../platform/cooperative-yield.ts';

const config = appRouter._def._config;

/** The result of one call with its JSON. A long JSON is encoded here, so that the response is not encoded in one go. */
export type CallResult = { response: TRPCResponse; json: string | Buffer };

const minEncodedLength = 16_384;
const [dataPrefix, dataSuffix] = ['{"result":{"data":', '}}'];

/** Successes are assembled here, because `transformTRPCResponse` copies them twice. */
const toJson = (response: TRPCResponse): string =>
  'error' in response
    ? JSON.stringify(transformTRPCResponse(config, response))
    : `${dataPrefix}${JSON.stringify(config.transformer.output.serialize(response.result.data))}${dataSuffix}`;

export const toCallResult = (response: TRPCResponse): CallResult => {
  const json = toJson(response);
  return { response, json: json.length < minEncodedLength ? json : Buffer.from(json) };
};

/** Whether the data has more records than are serialized in one turn of the event loop. */
export const isLarge = (data: unknown): data is object => countRecords(data) > recordsPerSlice;

/** Serializes large data in several turns of the event loop. `source`: whose work it is, for a fair share between sources. */
export const toLargeCallResult = async (data: object, source: string): Promise<CallResult> => {
  const beforePart = (records: number) => slices.take(records, source);
  const json = await writeOutputInParts(data, { recordsPerPart: recordsPerSlice, beforePart });
  return {
    response: { result: { data } },
    json: Buffer.concat([Buffer.from(dataPrefix), json, Buffer.from(dataSuffix)]),
  };
};

const isBatch = (results: CallResult | readonly CallResult[]): results is readonly CallResult[] =>
  Array.isArray(results);

export const httpStatusOf = (results: CallResult | readonly CallResult[]): number =>
  getHTTPStatusCode(isBatch(results) ? results.map(({ response }) => response) : results.response);

export const isText = (json: string | Buffer): json is string => typeof json === 'string';

/** The response body: a string unless a part of it is encoded. */
export const toBody = (results: CallResult | readonly CallResult[]): string | Buffer => {
  if (!isBatch(results)) return results.json;
  const parts = results.map(({ json }) => json);
  if (parts.every(isText)) return `[${parts.join(',')}]`;
  const withCommas = parts.flatMap((json, index) => [index === 0 ? '[' : ',', json]);
  return Buffer.concat([...withCommas, ']'].map((part) => (isText(part) ? Buffer.from(part) : part)));
};
