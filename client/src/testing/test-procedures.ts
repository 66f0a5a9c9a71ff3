import { assertProcedurePath, type Inputs, type Outputs } from './procedure-rules.ts';

/**
 * The procedures that a test BFF has, with the nesting of the router. Each takes the input of the call, and returns the output
 * or a promise of it. A call fails with the error of `testError` that its function throws.
 */
export type TestProcedures = {
  [Router in keyof Inputs]?: {
    [Name in keyof Inputs[Router]]?: Name extends keyof Outputs[Router]
      ? (input: Inputs[Router][Name]) => Outputs[Router][Name] | Promise<Outputs[Router][Name]>
      : never;
  };
};

export type ProcedureFunction = (input: unknown) => unknown;

const entriesOf = (value: unknown, name: string): [string, unknown][] => {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name} must be an object, such as { users: { byId: ({ id }) => … } }.`);
  }
  return Object.entries(value).filter(([, entry]) => entry !== undefined);
};

/** The functions by path, such as `users.byId`. Throws a TypeError for a path that is no procedure of the BFF. */
export const functionsOf = (procedures: TestProcedures): Map<string, ProcedureFunction> =>
  new Map(
    entriesOf(procedures, 'procedures').flatMap(([router, group]) =>
      entriesOf(group, `procedures.${router}`).map(([name, run]) => {
        const path = `${router}.${name}`;
        assertProcedurePath(path, 'procedures');
        if (typeof run !== 'function') throw new TypeError(`procedures.${path} must be a function.`);
        return [path, run as ProcedureFunction] as const;
      }),
    ),
  );
