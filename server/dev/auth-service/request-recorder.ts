import type { EndpointName } from './endpoints.ts';

export type RecordedRequest = {
  endpoint: EndpointName | 'unknown';
  method: string;
  /** With its query. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Milliseconds, by the service's clock. */
  at: number;
};

/** Keeps every request in the order of arrival. */
export const createRequestRecorder = () => {
  const calls: RecordedRequest[] = [];
  const all: readonly RecordedRequest[] = calls;

  return {
    record: (call: RecordedRequest): RecordedRequest => {
      calls.push(call);
      return call;
    },
    all,
    count: (endpoint?: string): number =>
      endpoint === undefined ? calls.length : calls.filter((call) => call.endpoint === endpoint).length,
    reset: (): void => {
      calls.length = 0;
    },
  };
};

export type RequestRecorder = ReturnType<typeof createRequestRecorder>;
