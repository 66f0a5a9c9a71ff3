import { type Config, ConfigError, loadConfig } from '../config.ts';
import { fileVariableOf } from '../config/secret-files.ts';

/** What is wrong with a variable, by its name. */
export type Faults = ReadonlyMap<string, string>;

export type PartialConfig = {
  /** Invalid variables have their defaults or placeholders, which no check may use. */
  config: Config;
  faults: Faults;
};

/** Placeholders for required variables, so that the rest of the configuration can be loaded. */
const placeholders: Record<string, string> = {
  DJANGO_JWT_SIGNING_KEY: 'placeholder-for-an-invalid-signing-key',
  SEALING_KEY: 'placeholder-for-an-invalid-sealing-key',
  AUTH_SERVICE_URL: 'http://placeholder.invalid',
  AUTH_API_KEY: 'placeholder',
  // The default could equal PORT.
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

/** Loads the valid part of the configuration, so that one invalid variable does not prevent the other checks. */
export const loadPartialConfig = (env: Record<string, string | undefined>): PartialConfig => {
  try {
    return { config: loadConfig(env), faults: new Map() };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const faults = faultsOf(error);
    const replaced = [...faults.keys()].flatMap((variable) => [
      [variable, placeholders[variable]] as const,
      [fileVariableOf(variable), undefined] as const,
    ]);
    // Without an invalid variable, another one may lack its counterpart. That is no fault of its own.
    const { config } = loadPartialConfig({ ...env, ...Object.fromEntries(replaced) });
    return { config, faults };
  }
};
