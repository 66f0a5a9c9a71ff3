import { type Config, type ConfigWarning, variables } from '../../config.ts';
import { isGiven } from '../../config/secret-files.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';
import type { Faults } from '../partial-config.ts';

/** Settings that are valid but give up a protection. The log at start does not repeat these decisions. */
export const listWeakSettings = ({ trustProxy, logLevel, rateLimitPerMinute }: Config): ConfigWarning[] => {
  const warnings: ConfigWarning[] = [];
  if (trustProxy === true) {
    warnings.push({
      name: 'TRUST_PROXY',
      message: 'is true: clients can forge their address with X-Forwarded-For and so evade rate limits',
      fix: 'Set it to the number of proxies in front of the BFF, or to their addresses',
    });
  }
  if (logLevel === 'silent') {
    warnings.push({
      name: 'LOG_LEVEL',
      message: 'is silent: neither requests nor failures are logged',
      fix: 'Set it to info, or unset it',
    });
  }
  if (rateLimitPerMinute === 0) {
    warnings.push({
      name: 'RATE_LIMIT_PER_MINUTE',
      message: 'is 0: the number of calls of a client is unlimited',
      fix: 'Unset it, unless a proxy in front of the BFF limits calls',
    });
  }
  return warnings;
};

export type CheckVariablesOptions = {
  env: Record<string, string | undefined>;
  faults: Faults;
  /** Variables with a check of their own. They are listed here only if they are invalid. */
  checked: ReadonlySet<string>;
  warnings: readonly ConfigWarning[];
};

/** Lists the remaining variables: invalid, set, or defaults. Never shows a value. */
export const checkVariables = ({ env, faults, checked, warnings }: CheckVariablesOptions): Finding[] => {
  const isSet = (name: string) => isGiven(env, name);
  const warned = new Set(warnings.map(({ name }) => name));
  const others = variables.filter((name) => !checked.has(name) && !faults.has(name));
  const unset = others.filter((name) => !isSet(name));
  return [
    ...[...faults].map(([name, fault]) => problem(name, fault, 'Correct it in the environment')),
    // Warnings about invalid variables are left out: they describe the placeholder.
    ...warnings.filter(({ name }) => !faults.has(name)).map(({ name, message, fix }) => warning(name, message, fix)),
    ...others.filter((name) => isSet(name) && !warned.has(name)).map((name) => ok(name, 'is set and valid')),
    ...(unset.length === 0 ? [] : [ok('defaults', `apply to ${unset.join(', ')}`)]),
  ];
};
