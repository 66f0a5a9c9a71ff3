import type { EndpointName } from './endpoints.ts';

export type RecordedCall = {
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
export const createCalls = () => {
  const calls: RecordedCall[] = [];
  const all: readonly RecordedCall[] = calls;

  return {
    record: (call: RecordedCall): RecordedCall => {
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

export type Calls = ReturnType<typeof createCalls>;
