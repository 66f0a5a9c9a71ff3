import type { Config, ConfigWarning } from '../../config.ts';

/** Settings that are allowed and give up a protection. The log at start does not repeat what was decided. */
export const listLooseSettings = ({ trustProxy, logLevel, rateLimitPerMinute }: Config): ConfigWarning[] => [
  ...(trustProxy === true
    ? [
        {
          name: 'TRUST_PROXY',
          says: 'is true: a client can choose the address that it is limited by, in X-Forwarded-For',
          todo: 'Set it to the number of proxies before the BFF, or to their addresses',
        },
      ]
    : []),
  ...(logLevel === 'silent'
    ? [
        {
          name: 'LOG_LEVEL',
          says: 'is silent: neither requests nor failures are logged',
          todo: 'Set it to info, or unset it',
        },
      ]
    : []),
  ...(rateLimitPerMinute === 0
    ? [
        {
          name: 'RATE_LIMIT_PER_MINUTE',
          says: 'is 0: one client may send as many calls as it can',
          todo: 'Unset it, unless a proxy before the BFF limits calls',
        },
      ]
    : []),
];
