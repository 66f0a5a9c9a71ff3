import { transformTRPCResponse } from '@trpc/server';
import { getHTTPStatusCode } from '@trpc/server/http';
import type { TRPCErrorShape, TRPCResponse } from '@trpc/server/rpc';
import { OutputText } from '../../api/output-text.ts';
import { countRecords, writeOutputInParts } from '../../api/output-transformer.ts';
import { appRouter } from '../../api/router.ts';
import { type ByteText, toBuffer, toByteText } from '../../platform/byte-text.ts';
import { recordsPerSlice, slices } from '../../platform/cooperative-yield.ts';

const config = appRouter._def._config;

/** The JSON of the result of one call, and the failure for the HTTP status of the response. */
export type CallResult = { response: TRPCResponse; json: ByteText | Buffer };

const success: TRPCResponse = { result: { data: undefined } };
const [dataPrefix, dataSuffix] = ['{"result":{"data":', '}}'];

/** The result of a call that succeeded, assembled here because `transformTRPCResponse` copies it twice. */
export const toCallResult = (output: unknown): CallResult => {
  const json =
    output instanceof OutputText
      ? output.superjson
      : toByteText(JSON.stringify(config.transformer.output.serialize(output)));
  return { response: success, json: `${dataPrefix}${json}${dataSuffix}` };
};

/** The result of a call that failed. */
export const toErrorResult = (error: TRPCErrorShape): CallResult => {
  const response = { error };
  return { response, json: toByteText(JSON.stringify(transformTRPCResponse(config, response))) };
};

/** Whether the output has more records than are serialized in one turn of the event loop. */
export const isLarge = (output: unknown): output is object =>
  !(output instanceof OutputText) && countRecords(output) > recordsPerSlice;

/** Serializes a large output in several turns of the event loop. `source`: whose work it is, for a fair share between sources. */
export const toLargeCallResult = async (output: object, source: string): Promise<CallResult> => {
  const beforePart = (records: number) => slices.take(records, source);
  const json = await writeOutputInParts(output, { recordsPerPart: recordsPerSlice, beforePart });
  return { response: success, json: Buffer.concat([toBuffer(dataPrefix), json, toBuffer(dataSuffix)]) };
};

const isBatch = (results: CallResult | readonly CallResult[]): results is readonly CallResult[] =>
  Array.isArray(results);

export const httpStatusOf = (results: CallResult | readonly CallResult[]): number =>
  getHTTPStatusCode(isBatch(results) ? results.map(({ response }) => response) : results.response);

const isText = (json: ByteText | Buffer): json is ByteText => typeof json === 'string';

/** The response body. */
export const toBody = (results: CallResult | readonly CallResult[]): ByteText | Buffer => {
  if (!isBatch(results)) return results.json;
  const parts = results.map(({ json }) => json);
  if (parts.every(isText)) return `[${parts.join(',')}]`;
  const withCommas = parts.flatMap((json, index) => [index === 0 ? '[' : ',', json]);
  return Buffer.concat([...withCommas, ']'].map(toBuffer));
};
