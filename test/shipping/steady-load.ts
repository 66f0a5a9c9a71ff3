import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

export type LoadRequest = { method: 'GET' | 'POST'; path: string; headers: Record<string, string>; body?: string };
export type LoadResponse = { status: number; body: string };

export type SteadyLoadOptions = {
  url: string;
  /** The number of keep-alive connections. Each sends its next request as soon as it has the response to the last. */
  connections: number;
  /** The request with a number, which counts from 0 over all connections. */
  requestOf: (number: number) => LoadRequest;
  /** What is wrong with a response, or null. */
  faultOf: (response: LoadResponse, number: number) => string | null;
};

const exchange = (url: string, agent: Agent, { body, ...options }: LoadRequest) =>
  new Promise<LoadResponse>((resolve, reject) => {
    const outgoing = request(`${url}${options.path}`, { ...options, agent }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });

/** Sends requests without a pause until `stop`, which resolves to the number of requests and what failed. */
export const startSteadyLoad = ({ url, connections, requestOf, faultOf }: SteadyLoadOptions) => {
  const over = new AbortController();
  let sent = 0;
  let answered = 0;
  const failures: string[] = [];

  const send = async (agent: Agent): Promise<void> => {
    const number = sent;
    sent += 1;
    const failure = await exchange(url, agent, requestOf(number)).then(
      (response) => faultOf(response, number),
      (error: unknown) => String(error),
    );
    if (failure === null) answered += 1;
    else failures.push(failure);
  };

  const work = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!over.signal.aborted) await send(agent);
    agent.destroy();
  };
  const workers = Array.from({ length: connections }, work);

  return {
    /** The number of requests that succeeded so far. */
    answered: () => answered,
    async stop() {
      over.abort();
      await Promise.all(workers);
      return { sent, answered, failures };
    },
  };
};
