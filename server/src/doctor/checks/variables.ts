import { type ConfigWarning, variables } from '../../config.ts';
import type { Faults } from '../partial-config.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';

export type VariablesOptions = {
  env: Record<string, string | undefined>;
  faults: Faults;
  /** Variables that have lines of their own, unless they are at fault. */
  checked: ReadonlySet<string>;
  /** What works and should be looked at. */
  warnings: readonly ConfigWarning[];
};

/** Each variable that no other check is about: at fault, set, or left to its default. No value is told. */
export const checkVariables = ({ env, faults, checked, warnings }: VariablesOptions): Finding[] => {
  const isSet = (name: string) => (env[name] ?? '').trim() !== '';
  const warned = new Set(warnings.map(({ name }) => name));
  const others = variables.filter((name) => !checked.has(name) && !faults.has(name));
  const unset = others.filter((name) => !isSet(name));
  return [
    ...[...faults].map(([name, fault]) => problem(name, fault, 'Correct it in the environment')),
    // The value of a variable at fault was stood in for.
    ...warnings.filter(({ name }) => !faults.has(name)).map(({ name, says, todo }) => warning(name, says, todo)),
    ...others.filter((name) => isSet(name) && !warned.has(name)).map((name) => ok(name, 'is set and can be read')),
    ...(unset.length === 0 ? [] : [ok('defaults', `hold for ${unset.join(', ')}`)]),
  ];
};
