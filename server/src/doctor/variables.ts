import { type Config, configWarnings, variables } from '../config.ts';
import type { Faults } from './environment.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

export type VariablesOptions = {
  env: Record<string, string | undefined>;
  config: Config;
  faults: Faults;
  /** Variables that have lines of their own, unless they are at fault. */
  checked: ReadonlySet<string>;
};

/** Names that the variables have elsewhere, such as in the guide's Express example. */
const otherNames: Record<string, string> = {
  JWT_SIGNING_KEY: 'DJANGO_JWT_SIGNING_KEY',
  API_KEY: 'AUTH_API_KEY',
  JWT_ALGORITHMS: 'JWT_ALGORITHM',
  CORS_ALLOWED_ORIGINS: 'CORS_ORIGINS',
};

/** Each variable that no other check is about: at fault, set, or left to its default. No value is told. */
export const checkVariables = ({ env, config, faults, checked }: VariablesOptions): Finding[] => {
  const isSet = (name: string) => (env[name] ?? '').trim() !== '';
  const warnings = configWarnings(config);
  const others = variables.filter((name) => !checked.has(name) && !faults.has(name));
  const unset = others.filter((name) => !isSet(name));
  return [
    ...[...faults].map(([name, fault]) => problem(name, fault, `Set ${name} so`)),
    ...Object.entries(otherNames)
      .filter(([other, name]) => isSet(other) && !isSet(name))
      .map(([other, name]) => warning(other, 'is set, and nothing reads it', `Set ${name}, which is its name here`)),
    ...others.filter(isSet).map((name) => {
      const told = warnings.find((text) => text.startsWith(name));
      return told === undefined
        ? ok(name, 'is set and can be read')
        : warning(name, told.slice(name.length).trim().replace(/\.$/, ''), 'Set it to true, or unset it');
    }),
    ...(unset.length === 0 ? [] : [ok('defaults', `hold for ${unset.join(', ')}`)]),
  ];
};
