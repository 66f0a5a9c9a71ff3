/** How many ids of one `users.byIds` count as one call. */
const idsPerCall = 50;

/** What a call that asks for many people at once counts for. */
export const callsForIds = (ids: readonly unknown[]): number => Math.ceil(ids.length / idsPerCall);
