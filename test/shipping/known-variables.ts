import { ConfigError, loadConfig } from '../../server/src/config.ts';

/** Every environment variable that the configuration reads. */
export const knownVariables = (): Set<string> => {
  const read = new Set<string>();
  const environment = new Proxy<Record<string, string | undefined>>(
    {},
    {
      get: (_, name) => {
        read.add(String(name));
        return undefined;
      },
    },
  );
  try {
    loadConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  return read;
};
