import type { Profile } from '@auth-bff/shared';
import type { Picture } from '../auth-service/account/account-calls.ts';
import type { AuthServiceClient } from '../auth-service/client.ts';
import { type Caller, personOf } from '../auth-service/caller.ts';
import { AppError } from '../errors.ts';
import type { KeyHasher } from '../platform/key-hasher.ts';
import { type AttemptCounter, reserveAll } from '../rate-limit/attempt-counter.ts';
import { reportLimited } from '../rate-limit/report-limited.ts';

export type PicturesOptions = {
  authService: Pick<AuthServiceClient, 'setPicture'>;
  counter: AttemptCounter;
  keyHasher: KeyHasher;
  /** Called for each change over a limit of its person. */
  onLimited: () => void;
};

const maxChanges = 30;
const windowMs = 10 * 60_000;

/**
 * Uploads at a time. A slow one may occupy a connection to the Auth Service for half a minute, and there are 64. An upload
 * without a length is held in memory.
 */
const maxUploads = 16;
const maxUploadsOfPerson = 2;
const retryAfterSeconds = 5;

/** The pictures of people. A person has 30 changes in 10 minutes, two of them at a time. */
export const createPictures = ({ authService, counter, keyHasher, onLimited }: PicturesOptions) => {
  /** Uploads in flight, by person. */
  const uploads = new Map<string, number>();
  let inFlight = 0;

  const count = (person: string) =>
    reserveAll([() => counter.reserve(keyHasher('limit pictures', person), { max: maxChanges, windowMs })]);

  const enter = (person: string): void => {
    const own = uploads.get(person) ?? 0;
    if (own >= maxUploadsOfPerson) {
      throw new AppError('rate_limited', {
        message: 'Another upload of yours has not ended yet. Try again when it has.',
        retryAfterSeconds,
      });
    }
    if (inFlight >= maxUploads) throw new AppError('overloaded', { retryAfterSeconds });
    uploads.set(person, own + 1);
    inFlight += 1;
  };

  const leave = (person: string): void => {
    const left = (uploads.get(person) ?? 1) - 1;
    if (left === 0) uploads.delete(person);
    else uploads.set(person, left);
    inFlight -= 1;
  };

  return {
    /** Runs one change of a picture within the limits, whatever comes of it. Throws `rate_limited` and `overloaded`. */
    async limit<Result>(caller: Pick<Caller, 'type' | 'id'>, change: () => Promise<Result>): Promise<Result> {
      const person = personOf(caller);
      await reportLimited(async () => {
        await count(person);
        enter(person);
      }, onLimited);
      try {
        return await change();
      } finally {
        leave(person);
      }
    },

    /** Null removes the picture. */
    set: (picture: Picture | null, caller: Caller): Promise<Profile> => authService.setPicture(picture, caller),
  };
};

export type Pictures = ReturnType<typeof createPictures>;
