import type { Config } from '../../config.ts';
import type { Log } from '../log.ts';
import { fingerprintKeys } from '../replica-keys/key-fingerprints.ts';
import { createKeyRegistry } from '../replica-keys/key-registry.ts';
import { createKeyWatch } from '../replica-keys/key-watch.ts';
import { createRedisChannel, type RedisChannel, type RedisChannelOptions } from './redis-channel.ts';
import { type StartTimer, startSystemTimer } from '../start-timer.ts';
import { createRedisGuard } from './redis-guard.ts';
import { createWriteCheck } from './write-check.ts';

/** `refusing`: Redis answers, but rejects writes or scripts, which assignments need. */
export type RedisState = 'up' | 'refusing' | 'away';

export type SharedRedisOptions = {
  config: Config;
  log: Log;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Timeout of a command, and of a connection attempt, in milliseconds. Default 900. */
  timeoutMs?: number | undefined;
  /** Starts the timeout of the guard. Default `setTimeout`. */
  startGuardTimer?: StartTimer | undefined;
  /** Starts the timer of the next comparison of keys. Default `setTimeout`. */
  startKeyTimer?: StartTimer | undefined;
  /** Starts the timer of the next check whether Redis accepts writes. Default `setTimeout`. */
  startWriteCheckTimer?: StartTimer | undefined;
};

const createSharedRedis = async (options: SharedRedisOptions & { url: string }) => {
  const { url, config, log, monotonicNow, timeoutMs, startGuardTimer, startKeyTimer } = options;
  const { startWriteCheckTimer = startSystemTimer } = options;
  // Imported on demand: loading the Redis client is a good part of the start-up time.
  const { createRedis } = await import('./redis.ts');
  const connection = createRedis({
    url,
    sentinelPassword: config.redisSentinelPassword,
    log,
    timeoutMs,
    monotonicNow,
    onRefusal: () => writeCheck.noteRejection(),
  });
  const { redis } = connection;
  const guard = createRedisGuard({
    redis,
    monotonicNow,
    startTimer: startGuardTimer,
    onOutage: connection.noteAway,
    onRecovery: connection.noteBack,
    onRejected: connection.noteRejection,
  });
  const writeCheck = createWriteCheck({
    redis,
    guard,
    prefix: config.redisPrefix,
    startTimer: startWriteCheckTimer,
    monotonicNow,
    isAway: () => connection.state() === 'away',
    onAccepted: () => log.info({}, 'Redis accepts writes again.'),
  });
  const channelName = `${config.redisPrefix}sign-outs`;
  const signOutChannel = createRedisChannel({
    redis,
    name: channelName,
    timeoutMs,
    onRefused: (cause) =>
      log.error(
        { cause, channel: channelName },
        'Redis rejected SUBSCRIBE: while Redis is full, this process does not receive sign-outs from other replicas. Grant the Redis user SUBSCRIBE and PUBLISH on this channel.',
      ),
  });
  const keyWatch = createKeyWatch({
    registry: createKeyRegistry({ redis, prefix: config.redisPrefix }),
    keys: fingerprintKeys(config),
    log,
    monotonicNow,
    startTimer: startKeyTimer,
  });

  const openChannels: RedisChannel[] = [];

  return {
    connection,
    guard,
    signOutChannel,
    keyWatch,
    /** Opens another channel, until `close`. */
    openChannel(channelOptions: Omit<RedisChannelOptions, 'redis'>): RedisChannel {
      const channel = createRedisChannel({ redis, timeoutMs, ...channelOptions });
      openChannels.push(channel);
      return channel;
    },
    state(): RedisState {
      // A caller may ask before the next check.
      guard.probe();
      const state = connection.state();
      return state === 'up' && writeCheck.isRefusing() ? 'refusing' : state;
    },
    /** Resolves once Redis and the channel are ready and Redis is checked, or after their timeouts. Then starts the comparison of keys. */
    async start(): Promise<void> {
      await Promise.all([connection.untilReady().then(writeCheck.start), signOutChannel.untilReady()]);
      keyWatch.start();
    },
    close(): void {
      writeCheck.close();
      signOutChannel.close();
      for (const channel of openChannels) channel.close();
      connection.close();
    },
  };
};

export type SharedRedis = Awaited<ReturnType<typeof createSharedRedis>>;

/** The state that replicas share. Null without `REDIS_URL`. Does not wait for the connection: see `start`. */
export const connectSharedRedis = async (options: SharedRedisOptions): Promise<SharedRedis | null> => {
  const { redisUrl } = options.config;
  return redisUrl === null ? null : createSharedRedis({ ...options, url: redisUrl });
};
