import type { OnTurnInput, RotationInput } from '@auth-bff/shared';
import { AppError } from '../errors.ts';
import type { StartTimer } from '../platform/start-timer.ts';
import { type AssignmentStore, type Rotation, type StoredTurn, toRotation } from './assignment-store.ts';
import { createRotationReader, type RotationReader } from './rotation-reader.ts';
import { firstTurnId, isTurnId } from './turn-ids.ts';

export type TurnFeedOptions = {
  store: Pick<AssignmentStore, 'history' | 'historyAfter' | 'watch'>;
  startTimer: StartTimer;
};

const toStartId = (lastEventId: string | null | undefined): string | null => {
  if (lastEventId === undefined || lastEventId === null) return null;
  if (isTurnId(lastEventId)) return lastEventId;
  throw new AppError('invalid_input', {
    message: 'The last event id is malformed.',
    issues: [{ path: 'lastEventId', message: 'Expected the id of an event of this subscription' }],
  });
};

/**
 * Delivers new entries of histories to any number of subscribers. Each subscriber continues after the id of its own last
 * entry, so that nothing is lost or repeated, and a slow one needs no memory. All subscribers of a rotation share one reader.
 */
export const createTurnFeed = ({ store, startTimer }: TurnFeedOptions) => {
  const readers = new Map<Rotation, { reader: RotationReader; subscribers: number }>();

  const acquire = (rotation: Rotation): RotationReader => {
    const open = readers.get(rotation) ?? {
      reader: createRotationReader({ store, rotation, startTimer }),
      subscribers: 0,
    };
    readers.set(rotation, open);
    open.subscribers += 1;
    return open.reader;
  };
  const release = (rotation: Rotation): void => {
    const open = readers.get(rotation);
    if (open === undefined) return;
    open.subscribers -= 1;
    if (open.subscribers > 0) return;
    readers.delete(rotation);
    open.reader.close();
  };

  async function* entriesAfter(
    rotation: Rotation,
    startId: string | null,
    signal: AbortSignal,
  ): AsyncGenerator<StoredTurn> {
    if (signal.aborted) return;
    const reader = acquire(rotation);
    try {
      let lastId = startId;
      while (!signal.aborted) {
        const { version } = reader;
        // While the store is down, the subscriber waits for the reader, which retries.
        if (lastId === null) lastId = await reader.lastId().catch(() => null);
        const entries = lastId === null ? [] : await reader.after(lastId).catch(() => []);
        for (const stored of entries) {
          if (signal.aborted) return;
          lastId = stored.id;
          yield stored;
        }
        if (entries.length === 0) await reader.waitForNews(version, signal);
      }
    } finally {
      release(rotation);
    }
  }

  return {
    /** The id of the newest entry. Null while the store is down. */
    newestId: (rotation: RotationInput): Promise<string | null> =>
      store.history(toRotation(rotation), 1).then(
        ([newest]) => newest?.id ?? firstTurnId,
        () => null,
      ),

    /**
     * Entries after `lastEventId`, or only those from now on. While the store is down, waits until it is back. Ends when the
     * signal aborts. Throws `invalid_input` for a malformed id.
     */
    subscribe({ system, role, lastEventId }: OnTurnInput, signal: AbortSignal): AsyncGenerator<StoredTurn> {
      return entriesAfter(toRotation({ system, role }), toStartId(lastEventId), signal);
    },

    /** The number of open subscriptions. */
    size: (): number => [...readers.values()].reduce((sum, { subscribers }) => sum + subscribers, 0),
  };
};

export type TurnFeed = ReturnType<typeof createTurnFeed>;
