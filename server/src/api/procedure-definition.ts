import type { AnyTRPCProcedure } from '@trpc/server';
import type { z } from 'zod';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import { permitted, type SignedInContext } from './middlewares.ts';
import { policy, type Rule } from './policy.ts';

type Middleware = object & { _type?: string };

/** The internals of a built procedure, which tRPC's types do not expose. */
type Definition = {
  inputs: readonly z.ZodType[];
  output?: z.ZodType;
  /** In the order of the calls that built the procedure, with the resolver last. */
  middlewares: readonly Middleware[];
  resolver: (options: object & { ctx: SignedInContext; input: unknown }) => MaybePromise<unknown>;
};

export const definitionOf = (procedure: AnyTRPCProcedure) => procedure._def as unknown as Definition;

/** The function of a middleware that was made with `t.middleware`. */
export const middlewareOf = (builder: { _middlewares: readonly object[] }): object | undefined =>
  builder._middlewares[0];

/** Whether a procedure checks its input against the policy directly after parsing it. */
export const isPermissionChecked = (procedure: AnyTRPCProcedure): boolean => {
  const { middlewares } = definitionOf(procedure);
  return middlewares[2]?._type === 'input' && middlewares[3] === middlewareOf(permitted);
};

/** Throws if the policy has `permits` for a procedure that does not check it. */
export const assertPermissionsChecked = (
  procedures: Readonly<Record<string, AnyTRPCProcedure>>,
  rules: Readonly<Record<string, Rule>> = policy,
): void => {
  for (const [path, procedure] of Object.entries(procedures)) {
    if (rules[path]?.permits !== undefined && !isPermissionChecked(procedure)) {
      throw new Error(`${path}: its rule in policy.ts has permits. Add .use(permitted) directly after .input().`);
    }
  }
};
