import type { Config } from '../../../server/src/config.ts';

/** The configuration of an Auth Service that the BFF and browsers reach at the same address. */
export const reachedAt = (url: string): Pick<Config, 'authServiceUrl' | 'authServicePublicUrl'> => ({
  authServiceUrl: url,
  authServicePublicUrl: url,
});
