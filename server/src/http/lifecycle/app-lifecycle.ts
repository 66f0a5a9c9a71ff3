import type { FastifyInstance } from 'fastify';
import type { ResetMails } from '../../account/reset-mails.ts';
import type { Upstream } from '../../auth-service/upstream.ts';
import type { Platform } from '../../platform/platform.ts';
import type { Http } from '../http.ts';
import { mayHaveSdk } from '../telemetry/may-have-sdk.ts';
import type { DrainResult } from './draining.ts';

export type CloseOptions = {
  /**
   * Milliseconds that the listener stays open while clients are connected. If replicas restart one right after the other, the
   * balancer reaches this one until the one before has started. Default 0; the service itself waits 8,000 after SIGTERM.
   */
  keepListeningMs?: number;
};

export type App = AsyncDisposable & {
  server: FastifyInstance;
  /** Starts to listen on `HOST` and `PORT`. Resolves to the URL. */
  listen: () => Promise<string>;
  /** Starts to listen on `OPS_HOST` and `OPS_PORT`. Resolves to the URL, or to null if `OPS_PORT` is 0. */
  listenOps: () => Promise<string | null>;
  /** Closes the listeners, waits for in-flight requests up to `drainMs`, and resolves to how many were served or cut. */
  close: (options?: CloseOptions) => Promise<DrainResult>;
};

export type AppLifecycleOptions = {
  platform: Platform;
  upstream: Pick<Upstream, 'watch' | 'close'>;
  http: Http;
  resetMails: Pick<ResetMails, 'close'>;
};

/** Starts the listeners, and closes everything once, in the order in which the parts depend on each other. */
export const createAppLifecycle = ({ platform, upstream, http, resetMails }: AppLifecycleOptions): App => {
  const { config, redis } = platform;
  const { server, opsServer, draining } = http;

  const closeOnce = async (keepListeningMs: number): Promise<DrainResult> => {
    const result = await draining.drain({ keepListeningMs });
    await server.close();
    http.close();
    redis?.keyWatch.close();
    await resetMails.close();
    await upstream.close();
    redis?.close();
    if (mayHaveSdk()) await (await import('../telemetry/flush-spans.ts')).flushSpans();
    // Last: until the end, `/health/ready` on the ops listener reports that the service stops.
    await opsServer.close();
    return result;
  };
  let closing: Promise<DrainResult> | null = null;
  const close = ({ keepListeningMs = 0 }: CloseOptions = {}): Promise<DrainResult> => {
    closing ??= closeOnce(keepListeningMs);
    return closing;
  };

  return {
    server,
    async listen() {
      upstream.watch();
      await redis?.start();
      return server.listen({ host: config.host, port: config.port });
    },
    async listenOps() {
      const { opsHost: host, opsPort: port } = config;
      return port === null ? null : opsServer.listen({ host, port });
    },
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
};
