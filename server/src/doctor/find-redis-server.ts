import { toSentinelOptions, toServerOptions } from '../platform/redis/redis-client.ts';
import type { RedisNode } from '../platform/redis/redis-nodes.ts';
import type { RedisTarget } from '../platform/redis/redis-url.ts';
import { explainRedisError, type RedisExplanation } from './explain-redis-error.ts';
import { type Finding, problem, warning } from './finding.ts';
import { openRedis } from './open-redis.ts';

export type FindRedisServerOptions = { target: RedisTarget; sentinelPassword: string | null; deadlineMs: number };

/** `server`: null if the findings say why there is none. */
export type RedisServerSearch = { server: RedisNode | null; findings: Finding[] };

const name = 'REDIS_URL';

/** The address of the primary. Null: this sentinel does not know it. Rejects if it does not answer. */
const askSentinel = async (node: RedisNode, options: FindRedisServerOptions): Promise<RedisNode | null> => {
  const { target, sentinelPassword, deadlineMs } = options;
  await using sentinel = await openRedis(
    { ...toSentinelOptions(target, node, sentinelPassword), enableReadyCheck: false },
    deadlineMs,
  );
  const reply = await sentinel.client.call('SENTINEL', 'get-master-addr-by-name', target.primaryName ?? '');
  const [host, port] = Array.isArray(reply) ? reply.map(String) : [];
  return host === undefined ? null : { host, port: Number(port) };
};

/** The same address if a node of a cluster answers. Rejects if it does not. */
const askNode = async (node: RedisNode, { target, deadlineMs }: FindRedisServerOptions): Promise<RedisNode> => {
  await using _redis = await openRedis(toServerOptions(target, node), deadlineMs);
  return node;
};

/** Failures that have other causes at a sentinel than at a server. */
const ofSentinels: ReadonlyArray<[pattern: RegExp, RedisExplanation]> = [
  [
    /password|NOAUTH|WRONGPASS/i,
    {
      message: 'it requires another password',
      fix: 'Set REDIS_SENTINEL_PASSWORD to the requirepass of the sentinels, or unset it if they have none',
    },
  ],
  [
    /unknown command/i,
    {
      message: 'it is no sentinel',
      fix: 'Name the sentinels in REDIS_URL, by default on port 26379, and not Redis itself',
    },
  ],
];

const explain = (error: unknown, kind: RedisTarget['kind']): RedisExplanation =>
  (kind === 'sentinel' ? ofSentinels.find(([pattern]) => pattern.test(String(error)))?.[1] : undefined) ??
  explainRedisError(error);

/** Finds the server to check: the primary that the sentinels report, or the first node of a cluster that answers. */
export const findRedisServer = async (options: FindRedisServerOptions): Promise<RedisServerSearch> => {
  const { kind, nodes } = options.target;
  const [first] = nodes;
  if (first === undefined || (nodes.length === 1 && kind !== 'sentinel'))
    return { server: first ?? null, findings: [] };
  const what = kind === 'sentinel' ? 'sentinel' : 'node';
  const ask = kind === 'sentinel' ? askSentinel : askNode;
  const answers = await Promise.allSettled(nodes.map((node) => ask(node, options)));
  const findings: Finding[] = [];
  const servers = answers.flatMap((answer, index) => {
    const which = `${what} ${index + 1} of ${nodes.length}`;
    if (answer.status === 'rejected') {
      const { message, fix } = explain(answer.reason, kind);
      findings.push(warning(name, `${which} is unusable: ${message}`, fix));
      return [];
    }
    if (answer.value !== null) return [answer.value];
    findings.push(
      warning(
        name,
        `${which} knows no primary of this name`,
        'Use the name of `sentinel monitor` in its configuration',
      ),
    );
    return [];
  });
  const addresses = new Set(servers.map(({ host, port }) => `${host} ${port}`));
  if (kind === 'sentinel' && addresses.size > 1) {
    findings.push(
      warning(
        name,
        'the sentinels disagree about the primary, as for moments after a failover',
        'Run the doctor again',
      ),
    );
  }
  const [server = null] = servers;
  // Without a server, each finding is a reason why.
  return server === null
    ? { server, findings: findings.map(({ message, fix }) => problem(name, message, fix ?? '')) }
    : { server, findings };
};
