import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Assertions } from '../../assertion/assertions.ts';
import type { Audit } from '../../platform/audit.ts';
import type { Platform } from '../../platform/platform.ts';
import { toSessionEnded } from '../../session/audited-commands.ts';
import { createAuthentication } from '../../session/authentication.ts';
import type { Identity } from '../../session/identity.ts';
import { presentedTokens, toCause } from '../plugins/request-tokens.ts';
import type { SignOutLookup } from '../plugins/sign-out-lookup.ts';
import type { RequestTelemetry } from '../telemetry/request-telemetry.ts';
import { registerJwks } from './jwks.ts';
import { registerVerify } from './verify.ts';

export type ForwardAuthOptions = {
  platform: Pick<Platform, 'log' | 'monotonicNow'>;
  identity: Pick<Identity, 'tokenChooser' | 'accountStatus' | 'membership'>;
  assertions: Assertions;
  signOuts: SignOutLookup;
  telemetry: RequestTelemetry;
  audit: Audit;
  /** Of all responses. */
  securityHeaders: Readonly<Record<string, string>>;
};

/** For backends in any language: `/bff/verify` for their proxies, and the public keys of its assertions. */
export const registerForwardAuth = async (server: FastifyInstance, options: ForwardAuthOptions): Promise<void> => {
  const { platform, identity, assertions, signOuts, telemetry, audit, securityHeaders } = options;
  const { tokenChooser, accountStatus, membership } = identity;

  /** As for tRPC, but the response carries no cookies and no session headers: they would end at the proxy. */
  const authenticate = (request: FastifyRequest) => {
    const cause = toCause(request);
    const { current } = createAuthentication(
      {
        presented: presentedTokens(request),
        chosen: request.chosenToken,
        cause,
        tokenChooser,
        isSignedOut: (access) => signOuts.isSignedOut(request, access),
        accountStatus,
        onConflict: () => {},
        onEnd: (...end) => audit.write(toSessionEnded(...end), cause),
      },
      () => {},
    );
    return current();
  };

  registerJwks(server, assertions);
  await registerVerify(server, {
    ...platform,
    authenticate,
    membership,
    assertions,
    telemetry,
    audit,
    securityHeaders,
  });
};
