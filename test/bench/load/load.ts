/** What a generator is told to do. Everything is text, for it goes to another process. */
export type Load = {
  port: number;
  /** Whole requests of HTTP/1.1, sent in turn. */
  requests: string[];
  /** What each answer's status has to be. */
  status: number;
  connections: number;
  durationMs: number;
  /** Ends after so many requests. Left out: after `durationMs` alone. */
  maxRequests?: number;
  /** Requests a second, as they would come, whatever becomes of those before. Left out: as many as go. */
  perSecond?: number;
};

/** What came of it. */
export type LoadResult = {
  answers: number;
  /** Answers of another status, and connections that ended. */
  failed: number;
  seconds: number;
  /** Bytes of all answers. */
  bytes: number;
  /** From when a request was due until its answer was whole. */
  medianMs: number;
  p99Ms: number;
  /** The generator's own share of a core: near 1 it is the bottleneck. */
  cpu: number;
};
