import {
  Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestUpstream,
  type ServerResponse,
} from 'node:http';
import { serve } from '../app/serve.ts';

export type HoldingProxyOptions = {
  /** The URL of the Auth Service. */
  upstream: string;
  /** Whether the proxy holds a request until it is released. */
  isHeld: (headers: IncomingHttpHeaders) => boolean;
};

/** A proxy that simulates an Auth Service that is slow for some callers: it holds their requests until the test releases them. */
export const startHoldingProxy = async ({ upstream, isHeld }: HoldingProxyOptions) => {
  const agent = new Agent({ keepAlive: true });
  const held = new Set<() => void>();
  let mostHeld = 0;
  let isReleased = false;

  const pass = (request: IncomingMessage, response: ServerResponse): void => {
    const { method, url, headers } = request;
    const onward = requestUpstream(new URL(url ?? '/', upstream), { method, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  };

  const server = await serve((request, response) => {
    if (isReleased || !isHeld(request.headers)) return pass(request, response);
    const letGo = () => {
      held.delete(letGo);
      pass(request, response);
    };
    held.add(letGo);
    mostHeld = Math.max(mostHeld, held.size);
    // The client has aborted the request.
    response.on('close', () => held.delete(letGo));
  });
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      agent.destroy();
    },
    held: () => held.size,
    mostHeld: () => mostHeld,
    /** Releases all held requests, and stops holding. */
    release(): void {
      isReleased = true;
      for (const letGo of held) letGo();
    },
  };
};
