type Target = {
  url: string;
  /** POST requests in flight. They must not be sent twice. */
  posts: number;
  acceptsPosts: boolean;
  onDrained: (() => void) | null;
};

/** Whether the connection was refused, so the request was not sent and can go to another replica. */
const wasRefused = (error: unknown): boolean => {
  const { cause } = error as { cause?: { code?: string; errors?: Array<{ code?: string }> } };
  return [cause, ...(cause?.errors ?? [])].some((one) => one?.code === 'ECONNREFUSED');
};

/** Round-robin load balancer for the replicas. */
export const createBalancer = (urls: readonly string[]) => {
  const targets = urls.map((url): Target => ({ url, posts: 0, acceptsPosts: true, onDrained: null }));
  let turn = 0;
  let refusedConnections = 0;

  const next = (isPost: boolean): Target => {
    for (let step = 0; step < targets.length; step += 1) {
      const target = targets[(turn += 1) % targets.length];
      if (target !== undefined && (target.acceptsPosts || !isPost)) return target;
    }
    throw new Error('No replica accepts requests.');
  };

  const sendTo = async (target: Target, path: string, init: RequestInit): Promise<Response> => {
    const isPost = init.method === 'POST';
    if (isPost) target.posts += 1;
    try {
      const answer = await fetch(`${target.url}${path}`, init);
      // A POST is complete only after its whole response body has arrived.
      const body = await answer.arrayBuffer();
      return new Response(body.byteLength === 0 ? null : body, { status: answer.status, headers: answer.headers });
    } finally {
      if (isPost) target.posts -= 1;
      if (target.posts === 0) target.onDrained?.();
    }
  };

  return {
    /** `path` includes the query. Rejects like `fetch` if the connection is lost after the request was sent. */
    async send(path: string, init: RequestInit): Promise<Response> {
      for (let attempt = 1; ; attempt += 1) {
        const target = next(init.method === 'POST');
        try {
          return await sendTo(target, path, init);
        } catch (error) {
          if (!wasRefused(error) || attempt === targets.length) throw error;
          refusedConnections += 1;
        }
      }
    },
    /** Stops sending POST requests to a replica. Resolves when none is in flight. */
    async drainPosts(url: string): Promise<void> {
      const target = targets.find((one) => one.url === url);
      if (target === undefined) return;
      target.acceptsPosts = false;
      if (target.posts === 0) return;
      await new Promise<void>((resolve) => {
        target.onDrained = resolve;
      });
      target.onDrained = null;
    },
    open(url: string): void {
      for (const target of targets) if (target.url === url) target.acceptsPosts = true;
    },
    /** Number of requests that were sent to another replica because a connection was refused. */
    refusedConnections: () => refusedConnections,
  };
};

export type Balancer = ReturnType<typeof createBalancer>;
