type Target = {
  url: string;
  /** Requests under way that must not be sent twice. */
  posts: number;
  acceptsPosts: boolean;
  onDrained: (() => void) | null;
};

/** What a socket says if a request was not sent, so that it can go to another replica. */
const wasRefused = (error: unknown): boolean => {
  const { cause } = error as { cause?: { code?: string; errors?: Array<{ code?: string }> } };
  return [cause, ...(cause?.errors ?? [])].some((one) => one?.code === 'ECONNREFUSED');
};

/** Sends each request to the next replica, as a balancer in front of them does. */
export const createBalancer = (urls: readonly string[]) => {
  const targets = urls.map((url): Target => ({ url, posts: 0, acceptsPosts: true, onDrained: null }));
  let turn = 0;
  let refusedConnections = 0;

  const next = (isPost: boolean): Target => {
    for (let step = 0; step < targets.length; step += 1) {
      const target = targets[(turn += 1) % targets.length];
      if (target !== undefined && (target.acceptsPosts || !isPost)) return target;
    }
    throw new Error('No replica takes requests.');
  };

  const sendTo = async (target: Target, path: string, init: RequestInit): Promise<Response> => {
    const isPost = init.method === 'POST';
    if (isPost) target.posts += 1;
    try {
      const answer = await fetch(`${target.url}${path}`, init);
      // A POST is over once its whole answer is here.
      const body = await answer.arrayBuffer();
      return new Response(body.byteLength === 0 ? null : body, { status: answer.status, headers: answer.headers });
    } finally {
      if (isPost) target.posts -= 1;
      if (target.posts === 0) target.onDrained?.();
    }
  };

  return {
    /** `path`: with its query. Rejects as `fetch` does if the connection is lost after the request was sent. */
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
    /** Sends no POST there from now on. Resolves when none is under way. */
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
    /** Requests that went to another replica because one refused the connection. */
    refusedConnections: () => refusedConnections,
  };
};

export type Balancer = ReturnType<typeof createBalancer>;
