import type { Server } from 'node:http';
import { trpcPath } from '@auth-bff/shared';
import type { EmbeddedAuthService } from '../auth-service/auth-service.ts';
import { endpointNames } from '../auth-service/endpoints.ts';

export type RequestCountsOptions = {
  /** The HTTP server of the BFF. */
  server: Server;
  authService: Pick<EmbeddedAuthService, 'count' | 'resetCalls'>;
};

export type RequestCounts = {
  /** HTTP requests to procedures of the BFF. A batch counts as one. */
  bff: number;
  /** Requests to the Auth Service. */
  upstream: number;
  byEndpoint: Record<string, number>;
  /** Requests to the refresh endpoints of the Auth Service. */
  refreshes: number;
};

const isRefresh = (endpoint: string) => endpoint === 'refresh' || endpoint.endsWith('-refresh');

/** Counts requests to the BFF and to the Auth Service since the start or the last reset. */
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
