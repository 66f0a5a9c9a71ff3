/** Counts of this tab's requests to the BFF. */
export type Watched = {
  requests: number;
  /** A request may contain several calls. */
  calls: number;
  refreshes: number;
  /** The calls and requests of the last look-up of names. */
  names: { calls: number; requests: number };
  /** Whether the last names came from a stale cache. */
  areNamesStale: boolean;
};

const nameCalls = /^(users\.byIds|employees\.byId)$/;
/** Requests for names within this time belong to one look-up. */
const sameLookUpMs = 250;

const callsOf = (url: string): string[] => {
  const path = /\/trpc\/([^?]+)/.exec(url)?.[1];
  return path === undefined ? [] : path.split(',');
};

/** A `fetch` that counts requests and detects stale responses. */
export const createRequestWatch = () => {
  let watched: Watched = {
    requests: 0,
    calls: 0,
    refreshes: 0,
    names: { calls: 0, requests: 0 },
    areNamesStale: false,
  };
  let namesSentAtMs = Number.NEGATIVE_INFINITY;
  const listeners = new Set<() => void>();

  const change = (next: Partial<Watched>) => {
    watched = { ...watched, ...next };
    for (const listener of listeners) listener();
  };

  const noteSent = (calls: string[]) => {
    const { requests, names } = watched;
    const forNames = calls.filter((call) => nameCalls.test(call)).length;
    const isSameLookUp = performance.now() - namesSentAtMs < sameLookUpMs;
    if (forNames > 0 && !isSameLookUp) namesSentAtMs = performance.now();
    change({
      requests: requests + 1,
      calls: watched.calls + calls.length,
      refreshes: watched.refreshes + (calls.includes('session.refresh') ? 1 : 0),
      ...(forNames === 0
        ? {}
        : isSameLookUp
          ? { names: { calls: names.calls + forNames, requests: names.requests + 1 } }
          : { names: { calls: forNames, requests: 1 } }),
    });
  };

  return {
    async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
      const calls = callsOf(input instanceof Request ? input.url : String(input));
      if (calls.length > 0) noteSent(calls);
      const response = await fetch(input, { credentials: 'include', ...init });
      if (response.ok && calls.some((call) => nameCalls.test(call))) {
        const areNamesStale = response.headers.get('x-directory-stale') === '1';
        if (areNamesStale !== watched.areNamesStale) change({ areNamesStale });
      }
      return response;
    },
    current: (): Watched => watched,
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};

export type RequestWatch = ReturnType<typeof createRequestWatch>;
