import { type Config, ConfigError, loadConfig } from '../config.ts';

export type Faults = ReadonlyMap<string, string>;

export type ReadEnvironment = {
  /** What can be read. Where a variable is at fault, its default or a stand-in, which no check may use. */
  config: Config;
  /** What is wrong with a variable, by its name. */
  faults: Faults;
};

/** For what is required and at fault, so that all the rest can be read. */
const standIns: Record<string, string> = {
  DJANGO_JWT_SIGNING_KEY: 'stands-in-for-a-key-that-is-at-fault',
  SEALING_KEY: 'stands-in-for-a-key-that-is-at-fault',
  AUTH_SERVICE_URL: 'http://stands-in.invalid',
  AUTH_API_KEY: 'stands-in',
  // Its default may be the port that PORT has.
  OPS_PORT: '0',
};

const faultsOf = (error: ConfigError): Faults => {
  const faults = new Map<string, string>();
  for (const { variable, fault } of error.faults) {
    const earlier = faults.get(variable);
    faults.set(variable, earlier === undefined ? fault : `${earlier}; ${fault}`);
  }
  return faults;
};

/** Reads the environment as far as it can be read, so that one fault does not hide what else there is to say. */
export const readEnvironment = (env: Record<string, string | undefined>): ReadEnvironment => {
  try {
    return { config: loadConfig(env), faults: new Map() };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const faults = faultsOf(error);
    const mended = [...faults.keys()].map((variable) => [variable, standIns[variable]] as const);
    return { config: loadConfig({ ...env, ...Object.fromEntries(mended) }), faults };
  }
};
