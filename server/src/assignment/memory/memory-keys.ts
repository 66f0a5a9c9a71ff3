/** An assignment, with what a handover of it needs. */
export type KeyState = {
  assignee: number;
  expiresAtMs: number;
  /** The number of the turn, and the place that the assignee had before it. */
  turn: number;
  lastTurnBefore: number;
  lastTurnBeforeAtMs: number;
  /** The earlier assignees. */
  had: readonly number[];
  /** The assignees that handovers chose, by the digest of their repeat key, and until when a repeat gets them. */
  handOvers: ReadonlyMap<string, { assignee: number; repeatUntilMs: number }>;
};

/** The keys of a rotation by their digest, oldest first. A digest has the same size for every key. */
export type MemoryKeys = { byDigest: Map<string, KeyState>; bytes: number };

/** Measured on Node 20: 170 to 220 bytes a key, and up to 130 for each handover. */
const estimatedBytes = { key: 260, handOver: 150 };
const bytesOf = ({ handOvers }: KeyState): number => estimatedBytes.key + handOvers.size * estimatedBytes.handOver;

export const createMemoryKeys = (): MemoryKeys => ({ byDigest: new Map(), bytes: 0 });

const remove = (keys: MemoryKeys, digest: string, state: KeyState): void => {
  keys.byDigest.delete(digest);
  keys.bytes -= bytesOf(state);
};

/** A known key keeps its place in the order of expiry. */
export const setKey = (keys: MemoryKeys, digest: string, state: KeyState): void => {
  const known = keys.byDigest.get(digest);
  if (known !== undefined) keys.bytes -= bytesOf(known);
  keys.byDigest.set(digest, state);
  keys.bytes += bytesOf(state);
};

export const dropExpiredKeys = (keys: MemoryKeys, nowMs: number): void => {
  for (const [digest, state] of keys.byDigest) {
    if (state.expiresAtMs > nowMs) return;
    remove(keys, digest, state);
  }
};

/** Drops the oldest keys until the rest is at most so large. */
export const dropOldestKeys = (keys: MemoryKeys, maxBytes: number): void => {
  for (const [digest, state] of keys.byDigest) {
    if (keys.bytes <= maxBytes) return;
    remove(keys, digest, state);
  }
};
