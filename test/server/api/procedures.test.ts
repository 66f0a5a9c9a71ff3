import { type AnyTRPCProcedure, TRPCError } from '@trpc/server';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { callProcedure, hasFastPath } from '../../../server/src/api/call-procedure.ts';
import { assertPermissionsChecked, definitionOf } from '../../../server/src/api/procedure-definition.ts';
import { appRouter } from '../../../server/src/api/router.ts';
import { permitted } from '../../../server/src/api/middlewares.ts';
import { signedInProcedure } from '../../../server/src/api/procedures.ts';

const all = Object.entries(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>);
/** Subscriptions validate each event by themselves: an output schema describes one answer. */
const procedures = all.filter(([, { _def }]) => _def.type !== 'subscription');
const namesOf = (list: typeof procedures) => list.map(([path]) => path).toSorted();

const busy = [
  'assignments.candidates',
  'assignments.history',
  'assignments.next',
  'assignments.peek',
  'assignments.reassign',
  'assignments.reset',
  'assignments.rotation',
  'assignments.setAvailability',
  'employees.byId',
  'users.byCompanyId',
  'users.byId',
  'users.byIds',
  'users.byRole',
];
const lean = ['account.changePassword', 'account.secondFactor', 'account.updateProfile', ...busy];
/** Procedures with an input that need no signed-in person. */
const withoutPerson = [
  'account.requestPasswordReset',
  'account.resetPassword',
  'session.login',
  'session.resendOtp',
  'session.verifyOtp',
];

it('every procedure shows the schemas of its input and its output, as tools for tRPC read them', () => {
  const withInput = procedures.filter(([, procedure]) => definitionOf(procedure).inputs.length > 0);
  expect(namesOf(withInput)).toEqual([...lean, ...withoutPerson].toSorted());
  for (const [, procedure] of procedures) {
    const { inputs, output } = definitionOf(procedure);
    for (const schema of [...inputs, output]) expect(schema).toBeInstanceOf(z.ZodType);
  }
});

it('all procedures with an input for signed-in people are called without the middlewares of tRPC', () => {
  expect(namesOf(procedures.filter(([, procedure]) => hasFastPath(procedure)))).toEqual(lean);
});

const input = z.object({ id: z.number() });
const output = z.string();
const options = {
  path: 'users.byId',
  type: 'query',
  signal: undefined,
  batchIndex: 0,
  ctx: {},
  readInput: () => ({}),
} as never;

it.each<[string, AnyTRPCProcedure]>([
  [
    'one more middleware',
    signedInProcedure
      .input(input)
      .use(({ next }) => next())
      .output(output)
      .query(() => ''),
  ],
  [
    'one more middleware than permitted',
    signedInProcedure
      .input(input)
      .use(permitted)
      .use(({ next }) => next())
      .output(output)
      .query(() => ''),
  ],
  [
    'permitted before its input',
    signedInProcedure
      .use(permitted)
      .input(input)
      .output(output)
      .query(() => ''),
  ],
  [
    'two inputs',
    signedInProcedure
      .input(input)
      .input(z.object({ more: z.string() }))
      .output(output)
      .query(() => ''),
  ],
  ['no output', signedInProcedure.input(input).query(() => '')],
])('a procedure with %s is called as tRPC calls it', async (_name, procedure) => {
  expect(hasFastPath(procedure)).toBe(false);
  // tRPC wraps what goes wrong.
  await expect(callProcedure(procedure, options)).rejects.toBeInstanceOf(TRPCError);
});

it.each<[string, AnyTRPCProcedure]>([
  [
    'without permitted',
    signedInProcedure
      .input(input)
      .output(output)
      .query(() => ''),
  ],
  [
    'with permitted before its input',
    signedInProcedure
      .use(permitted)
      .input(input)
      .output(output)
      .query(() => ''),
  ],
])('a procedure whose rule looks at the input is refused at start %s', (_name, procedure) => {
  expect(() => assertPermissionsChecked({ 'users.byRole': procedure })).toThrow(
    'users.byRole: its rule in policy.ts has permits. Add .use(permitted) directly after .input().',
  );
});
