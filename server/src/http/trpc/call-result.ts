import { transformTRPCResponse } from '@trpc/server';
import { getHTTPStatusCode } from '@trpc/server/http';
import type { TRPCErrorShape, TRPCResponse } from '@trpc/server/rpc';
import { OutputText } from '../../api/output-text.ts';
import { countRecords, writeOutputInParts } from '../../api/output-transformer.ts';
import { appRouter } from '../../api/router.ts';
import { recordsPerSlice, slices } from '../../platform/cooperative-yield.ts';

const config = appRouter._def._config;

/**
 * The JSON of the result of one call, and the failure for the HTTP status of the response. A long JSON is encoded here, so
 * that the response is not encoded in one go.
 */
export type CallResult = { response: TRPCResponse; json: string | Buffer };

const success: TRPCResponse = { result: { data: undefined } };
/** Lengths from which the JSON of a call, or the body of a batch, is encoded. */
const [minEncodedLength, minEncodedBody] = [16_384, 4_096];
const [dataPrefix, dataSuffix] = ['{"result":{"data":', '}}'];

const toResult = (response: TRPCResponse, json: string): CallResult => ({
  response,
  json: json.length < minEncodedLength ? json : Buffer.from(json),
});

/** The result of a call that succeeded, assembled here because `transformTRPCResponse` copies it twice. */
export const toCallResult = (output: unknown): CallResult => {
  const json =
    output instanceof OutputText ? output.toSuperjson() : JSON.stringify(config.transformer.output.serialize(output));
  return toResult(success, `${dataPrefix}${json}${dataSuffix}`);
};

/** The result of a call that failed. */
export const toErrorResult = (error: TRPCErrorShape): CallResult => {
  const response = { error };
  return toResult(response, JSON.stringify(transformTRPCResponse(config, response)));
};

/** Whether the output has more records than are serialized in one turn of the event loop. */
export const isLarge = (output: unknown): output is object =>
  !(output instanceof OutputText) && countRecords(output) > recordsPerSlice;

/** Serializes a large output in several turns of the event loop. `source`: whose work it is, for a fair share between sources. */
export const toLargeCallResult = async (output: object, source: string): Promise<CallResult> => {
  const beforePart = (records: number) => slices.take(records, source);
  const json = await writeOutputInParts(output, { recordsPerPart: recordsPerSlice, beforePart });
  return {
    response: success,
    json: Buffer.concat([Buffer.from(dataPrefix), json, Buffer.from(dataSuffix)]),
  };
};

const isBatch = (results: CallResult | readonly CallResult[]): results is readonly CallResult[] =>
  Array.isArray(results);

export const httpStatusOf = (results: CallResult | readonly CallResult[]): number =>
  getHTTPStatusCode(isBatch(results) ? results.map(({ response }) => response) : results.response);

export const isText = (json: string | Buffer): json is string => typeof json === 'string';

/** The response body. A long body is encoded here: Node would copy the string twice to put it behind the headers. */
export const toBody = (results: CallResult | readonly CallResult[]): string | Buffer => {
  if (!isBatch(results)) return results.json;
  const parts = results.map(({ json }) => json);
  if (!parts.every(isText)) {
    const withCommas = parts.flatMap((json, index) => [index === 0 ? '[' : ',', json]);
    return Buffer.concat([...withCommas, ']'].map((part) => (isText(part) ? Buffer.from(part) : part)));
  }
  let body = '[';
  for (const json of parts) body += body === '[' ? json : `,${json}`;
  body += ']';
  return body.length < minEncodedBody ? body : Buffer.from(body);
};
