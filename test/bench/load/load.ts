/** The instructions for a generator. Plain data, because they are sent to another process. */
export type Load = {
  port: number;
  /** Complete HTTP/1.1 requests, sent in turn. */
  requests: string[];
  /** Expected status of each response. */
  status: number;
  connections: number;
  durationMs: number;
  /** Stops after this many requests. Default: only after `durationMs`. */
  maxRequests?: number;
  /** Open loop: requests per second, independent of earlier responses. Default: closed loop at maximum throughput. */
  perSecond?: number;
};

/** The measurements of one load. */
export type LoadResult = {
  answers: number;
  /** Responses with another status, and connection errors. */
  failed: number;
  seconds: number;
  /** Bytes of all responses. */
  bytes: number;
  /** Latency from the due time of a request to the end of its response. */
  medianMs: number;
  p99Ms: number;
  /** Share of a core used by the generator. Near 1, the generator is the bottleneck. */
  cpu: number;
};
