import type { Server } from 'node:http';
import { trpcPath } from '@auth-bff/shared';
import type { EmbeddedAuthService } from '../auth-service/auth-service.ts';
import { endpointNames } from '../auth-service/endpoints.ts';

export type RequestCountsOptions = {
  /** The BFF's. */
  server: Server;
  authService: Pick<EmbeddedAuthService, 'count' | 'resetCalls'>;
};

export type RequestCounts = {
  /** HTTP requests to the BFF's procedures; a batch is one. */
  bff: number;
  /** Requests to the Auth Service. */
  upstream: number;
  byEndpoint: Record<string, number>;
  /** Requests that would exchange a refresh token. */
  refreshes: number;
};

const isRefresh = (endpoint: string) => endpoint === 'refresh' || endpoint.endsWith('-refresh');

/** RequestCounts what is asked of the BFF and of the Auth Service behind it, since the start or the last reset. */
export const createRequestCounts = ({ server, authService }: RequestCountsOptions) => {
  let bff = 0;
  server.on('request', ({ url = '' }) => {
    if (url.startsWith(`${trpcPath}/`)) bff += 1;
  });

  return {
    current(): RequestCounts {
      const counted = [...endpointNames, 'unknown'].map((name) => [name, authService.count(name)] as const);
      return {
        bff,
        upstream: authService.count(),
        byEndpoint: Object.fromEntries(counted.filter(([, count]) => count > 0)),
        refreshes: counted.reduce((sum, [name, count]) => (isRefresh(name) ? sum + count : sum), 0),
      };
    },
    reset(): void {
      bff = 0;
      authService.resetCalls();
    },
  };
};
