import type { AuthServiceClient } from '../auth-service/client.ts';
import type { AccountTokens } from '../auth-service/calling-service.ts';
import type { Audit } from '../platform/audit.ts';
import type { Platform } from '../platform/platform.ts';
import type { Identity } from '../session/identity.ts';
import { createServiceAccount } from './service-account.ts';
import { createServiceKeys, type ServiceKeys } from './service-keys.ts';

export type ServiceAccessOptions = {
  platform: Platform;
  authService: AuthServiceClient;
  identity: Pick<Identity, 'verifier' | 'accountStatus'>;
  audit: Audit;
};

export type ServiceAccess = {
  keys: ServiceKeys;
  /** Null: SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD are not set. */
  account: AccountTokens | null;
};

/** Composes the access of services that call without a person: their keys, and the account that they share. */
export const createServiceAccess = ({
  platform,
  authService,
  identity,
  audit,
}: ServiceAccessOptions): ServiceAccess => {
  const { config, log, now, monotonicNow } = platform;
  const { services, serviceAccount: credentials } = config;
  const { verifier, accountStatus } = identity;
  const options = { authService, verifier, accountStatus, log, audit, now, monotonicNow };
  return {
    keys: createServiceKeys(services),
    account: credentials === null ? null : createServiceAccount({ ...options, credentials }),
  };
};
