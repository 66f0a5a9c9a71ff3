import type { OnTurnInput, RotationInput, TurnEntry } from '@auth-bff/shared';

export type TurnEvent = { id: string; entry: TurnEntry };

const maxEntries = 1_000;

/** The turns of this process, until the engine has a history. */
export const createMemoryTurnFeed = ({ now }: { now: () => number }) => {
  const feeds = new Map<string, { events: TurnEvent[]; nextId: number; wake: Set<() => void> }>();
  const feedOf = ({ system, role }: RotationInput) => {
    const name = `${system} ${role}`.toLowerCase();
    const feed = feeds.get(name) ?? { events: [], nextId: 1, wake: new Set() };
    feeds.set(name, feed);
    return feed;
  };
  return {
    add(rotation: RotationInput, entry: Omit<TurnEntry, 'at'>): void {
      const feed = feedOf(rotation);
      feed.events.push({ id: String(feed.nextId), entry: { at: new Date(now()), ...entry } });
      feed.nextId += 1;
      if (feed.events.length > maxEntries) feed.events.shift();
      for (const wake of feed.wake) wake();
    },
    onTurn: ({ lastEventId, ...rotation }: OnTurnInput, signal: AbortSignal): AsyncIterable<TurnEvent> => {
      const feed = feedOf(rotation);
      let last = lastEventId === undefined || lastEventId === null ? feed.nextId - 1 : Number(lastEventId);
      return (async function* () {
        while (!signal.aborted) {
          for (const event of feed.events.filter(({ id }) => Number(id) > last)) {
            last = Number(event.id);
            yield event;
          }
          if (feed.events.some(({ id }) => Number(id) > last)) continue;
          await new Promise<void>((resolve) => {
            const wake = () => {
              feed.wake.delete(wake);
              signal.removeEventListener('abort', wake);
              resolve();
            };
            feed.wake.add(wake);
            signal.addEventListener('abort', wake);
          });
        }
      })();
    },
  };
};
