import type { User } from '@auth-bff/shared';
import { loadCandidates } from '../assignment/candidates.ts';
import { createUpstream } from '../auth-service/upstream.ts';
import type { Config } from '../config.ts';
import { createDirectory, type DirectoryCaller } from '../directory/directory.ts';
import { createAudit } from '../platform/audit.ts';
import { toNetwork } from '../platform/ip-address.ts';
import { createKeyHasher } from '../platform/key-hasher.ts';
import type { Log } from '../platform/log.ts';
import { createMetrics } from '../platform/metrics/metrics.ts';
import type { Platform } from '../platform/platform.ts';
import { createServiceAccount } from '../service-access/service-account.ts';
import { createAccountStatus } from '../session/refresh/account-status.ts';
import { createRemoteVerifier } from '../token/remote-verifier.ts';
import { createVerifier } from '../token/verifier.ts';

export type OpenPeopleOptions = { config: Config; log: Log };

/** The people of rotations, looked up with the service account. Null: it is not configured. */
export const openPeople = ({ config, log }: OpenPeopleOptions) => {
  const { serviceAccount: credentials, algorithm, refreshThresholdSeconds, signingKeys } = config;
  if (credentials === null) return null;
  const [now, monotonicNow] = [Date.now, () => performance.now()];
  const keyHasher = createKeyHasher(config);
  const platform: Platform = { config, log, now, monotonicNow, metrics: createMetrics(), keyHasher, redis: null };
  const upstream = createUpstream({ platform, onCall: () => {}, traceCall: () => null });
  const { authService } = upstream;
  const directory = createDirectory({ authService, lifetimes: config.directory, now });
  const verifierOptions = { algorithm, refreshThresholdSeconds, now };
  const account = createServiceAccount({
    credentials,
    authService,
    verifier:
      config.tokenValidation === 'local'
        ? createVerifier({ ...verifierOptions, signingKeys })
        : createRemoteVerifier({ ...verifierOptions, authService }),
    accountStatus: createAccountStatus({ directory, authService }),
    log,
    audit: createAudit({ log, keyHasher, networkOf: toNetwork, monotonicNow }),
    now,
    monotonicNow,
  });
  const caller: DirectoryCaller = {
    type: 'staff',
    id: 0,
    accessToken: '',
    service: { name: 'auth-bff turns', account },
  };
  return {
    /** The active people with the role. Throws the errors of the directory. */
    withRole: async (rotation: { system: string; role: string }): Promise<User[]> =>
      (await loadCandidates(directory, rotation, caller)).active,
    close: () => upstream.close(),
  };
};

export type People = NonNullable<ReturnType<typeof openPeople>>;
