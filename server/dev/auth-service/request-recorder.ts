import type { EndpointName } from './endpoints.ts';

export type RecordedRequest = {
  endpoint: EndpointName | 'unknown';
  method: string;
  /** Includes the query. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Arrival time in milliseconds since the epoch, by the clock of the service. */
  at: number;
};

/** Records all requests in order of arrival. */
export const createRequestRecorder = () => {
  const requests: RecordedRequest[] = [];
  const all: readonly RecordedRequest[] = requests;

  return {
    record: (request: RecordedRequest): RecordedRequest => {
      requests.push(request);
      return request;
    },
    all,
    count: (endpoint?: string): number =>
      endpoint === undefined ? requests.length : requests.filter((request) => request.endpoint === endpoint).length,
    reset: (): void => {
      requests.length = 0;
    },
  };
};

export type RequestRecorder = ReturnType<typeof createRequestRecorder>;
