import type { MaybePromise } from '../../platform/maybe-promise.ts';
import type { Cutoffs, DatedToken } from '../cutoff/cutoffs.ts';
import { isRevoked, type LocalFamilies } from './local-families.ts';
import type { SharedFamilies } from './shared-families.ts';
import { type TokenRef, toTokenRef } from './token-refs.ts';

/** An access token, as far as the families need to know it. */
export type AccessRef = TokenRef & DatedToken;

export type AccessChecksOptions = {
  local: Pick<LocalFamilies, 'get' | 'change'>;
  cutoffs: Cutoffs;
  /** The families of all replicas. Null: there is only this replica. */
  shared: SharedFamilies | null;
};

/** Tells whether the session of an access token has ended. */
export const createAccessChecks = ({ local, cutoffs, shared }: AccessChecksOptions) => {
  /** Whether the token began before the cutoff of its person, as far as this process knows. */
  const isCutOffHere = (access: AccessRef): boolean => {
    const { sinceMs = 0, sharedName = null } = local.get(access) ?? {};
    if (cutoffs.endedAtMs(access, sinceMs) === null) return false;
    return cutoffs.endedAtMs(access, shared?.receivedSinceMs(access, sharedName) ?? 0) !== null;
  };

  const isRevokedLocally = (access: AccessRef): boolean => {
    const family = local.get(access);
    if (isRevoked(family)) return true;
    // With replicas, only Redis can tell whether another one keeps the session despite the cutoff.
    if (shared === null) return isCutOffHere(access);
    return shared.hasReceivedSignOut(access, family?.sharedName ?? null);
  };

  const isRevokedElsewhere = async (others: SharedFamilies, access: AccessRef): Promise<boolean> => {
    const found = await others.lookUp(access, cutoffs.nameOf(access.principal));
    if (found !== null) {
      const { revokedAtMs, sinceMs, cutoffMs } = found;
      // This process remembers all of it, in case Redis becomes unavailable.
      if (cutoffMs !== null) cutoffs.find(cutoffs.nameOf(access.principal), cutoffMs);
      if (revokedAtMs !== null || sinceMs > 0) {
        local.change({ access: toTokenRef(access, true), refresh: null }, (family) => {
          family.revokedAtMs ??= revokedAtMs;
          family.sinceMs = Math.max(family.sinceMs, sinceMs);
        });
      }
      if (revokedAtMs !== null) return true;
    }
    return isCutOffHere(access);
  };

  return {
    /** Whether this process knows that the session of this access token was signed out. */
    isRevokedLocally,

    /** Whether this process knows a cutoff that may end the session of this access token: `isRevoked` tells. */
    isCutOffHere,

    /** Whether the session of this access token was signed out, here or at another replica. Without replicas, a plain value. */
    isRevoked(access: AccessRef): MaybePromise<boolean> {
      // Another replica may have issued it.
      cutoffs.observeIssue(access);
      if (isRevokedLocally(access)) return true;
      return shared === null ? false : isRevokedElsewhere(shared, access);
    },
  };
};
