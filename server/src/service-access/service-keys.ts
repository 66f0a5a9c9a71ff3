import { hash, timingSafeEqual } from 'node:crypto';
import type { ServiceGrant } from '../config.ts';

/** A service that presented its key. */
export type Service = {
  name: string;
  /** Whether SERVICE_KEYS grants the procedure to it. */
  mayCall: (procedure: string) => boolean;
};

/** Hexadecimal, as in SERVICE_KEYS. Keys are random, so that a hash without a salt cannot be reversed. */
export const hashServiceKey = (key: string): string => hash('sha256', key, 'hex');

/** Finds services by their keys. */
export const createServiceKeys = (grants: readonly ServiceGrant[]) => {
  const known = grants.map(({ name, keyHash, procedures }) => {
    const granted = new Set(procedures);
    const service: Service = { name, mayCall: (procedure) => granted.has(procedure) };
    return { service, digest: Buffer.from(keyHash, 'hex') };
  });
  return {
    /** Null: the key is of no service. Compares with all keys, so that the time tells nothing about any of them. */
    find(key: string): Service | null {
      const presented = Buffer.from(hashServiceKey(key), 'hex');
      let found: Service | null = null;
      for (const { service, digest } of known) if (timingSafeEqual(presented, digest)) found = service;
      return found;
    },
  };
};

export type ServiceKeys = ReturnType<typeof createServiceKeys>;
