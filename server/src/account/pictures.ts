import type { Profile } from '@auth-bff/shared';
import type { Picture } from '../auth-service/account-calls.ts';
import type { AuthServiceClient } from '../auth-service/client.ts';
import { type Caller, personOf } from '../auth-service/transport.ts';
import type { AppError } from '../errors.ts';
import type { KeyHasher } from '../platform/key-hasher.ts';
import { type AttemptCounter, reserveAll } from '../rate-limit/attempt-counter.ts';

export type PicturesOptions = {
  authService: Pick<AuthServiceClient, 'setPicture'>;
  counter: AttemptCounter;
  keyHasher: KeyHasher;
  /** Called for each change over the limit. */
  onLimited: () => void;
};

const maxChanges = 30;
const windowMs = 10 * 60_000;

/** The pictures of people. A person has 30 changes in 10 minutes: each may be 2 MB for the Auth Service to check and store. */
export const createPictures = ({ authService, counter, keyHasher, onLimited }: PicturesOptions) => ({
  /** Counts one change, whatever comes of it. Throws `rate_limited`. */
  async count(caller: Pick<Caller, 'type' | 'id'>): Promise<void> {
    const name = keyHasher('limit pictures', personOf(caller));
    await reserveAll([() => counter.reserve(name, { max: maxChanges, windowMs })]).catch((error: AppError) => {
      onLimited();
      throw error;
    });
  },

  /** Null removes the picture. */
  set: (picture: Picture | null, caller: Caller): Promise<Profile> => authService.setPicture(picture, caller),
});

export type Pictures = ReturnType<typeof createPictures>;
