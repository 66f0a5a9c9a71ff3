import type { Principal } from '../../src/token/principal.ts';
import type { Gate } from './gate.ts';
import { requireMembership, type Requirement } from './membership.ts';
import type { Identity } from './options.ts';
import { isRefusalError, type Refusal, toRefusal } from './refusals.ts';

/** Checks the caller of a request. Null: met. */
type Check = (requirement: Requirement, principal: Principal | null) => Promise<Refusal | null>;

// Of the registry, so that requireRole works with requireAuth of another copy of this package.
const checkKey = Symbol.for('@auth-bff/middleware: check');
type Checked = { [checkKey]?: Check };

/** `requireAuth` leaves on the request how `requireRole` checks its caller: by the same options and token. */
export const setCheck = <Source extends object>(
  request: Source,
  gate: Gate<Source>,
  identity: Identity | null,
): void => {
  (request as Checked)[checkKey] = (requirement, principal) =>
    gate.check(requirement, { principal, identity, source: request });
};

/** An application, or its tests, may have set the caller itself. */
const checkWithoutLookup: Check = async (requirement, principal) => {
  try {
    await requireMembership(requirement, { principal, token: null, resolveRoles: undefined });
    return null;
  } catch (error) {
    if (isRefusalError(error)) return toRefusal(error.reason);
    throw error;
  }
};

/**
 * Checks the caller of a request after `requireAuth`. Null: met. `principal`: null on a public path, undefined if
 * `requireAuth` did not run, which is an error.
 */
export const checkRequest = async (
  request: object,
  principal: Principal | null | undefined,
  requirement: Requirement,
): Promise<Refusal | null> => {
  if (principal === undefined) {
    const name = requirement.role === null ? 'requireSystem' : 'requireRole';
    throw new Error(`${name} ran before requireAuth: register requireAuth first.`);
  }
  return ((request as Checked)[checkKey] ?? checkWithoutLookup)(requirement, principal);
};
