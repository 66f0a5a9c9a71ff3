import type { Reason } from '@auth-bff/shared';
import { AppError } from '../errors.ts';
import { recordsPerSlice, slices } from '../platform/cooperative-yield.ts';
import { after, type MaybePromise } from '../platform/maybe-promise.ts';
import type { Service } from '../service-access/service-keys.ts';
import type { Authentication } from '../session/authentication.ts';
import type { Context, Person } from './context.ts';
import { reasonOf } from './error-mapping.ts';
import { unstorableInputError } from './input-transformer.ts';
import { countRecords } from './output-transformer.ts';
import { policy, type Rule } from './policy.ts';
import { t } from './trpc.ts';

/*
 * Each middleware is a function and its tRPC wrapper: `call-procedure.ts` calls the functions directly, because a tRPC
 * middleware costs a call as much as all of the work in it.
 */

/** The context of signed-in procedures. */
export type SignedInContext = Context & { person: Person };

const ruleOf = (path: string) => {
  const rule = policy[path];
  if (rule === undefined) throw new AppError('insufficient_permissions');
  return rule;
};

/** Whether the policy lets callers without a session call the procedure. */
export const isPublic = (path: string): boolean => ruleOf(path).who === 'anyone';

/** The service, if SERVICE_KEYS grants the procedure to it and the service account is there for those that need it. */
const admitService = (
  { request }: Context,
  path: string,
  { rule, service }: { rule: Rule; service: Service },
): Person => {
  if (rule.service === undefined || !service.mayCall(path)) {
    throw new AppError('insufficient_permissions', {
      message: `SERVICE_KEYS does not grant ${path} to the service ${service.name}.`,
    });
  }
  if (rule.service === 'account' && !request.hasServiceAccount) {
    throw new AppError('insufficient_permissions', {
      message: `${path} needs the service account: set SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD for the BFF.`,
    });
  }
  return request.asService(service);
};

/** The signed-in person, if the `who` of the rule admits them. */
const admitSignedIn = (
  authentication: Authentication,
  { request, who }: Pick<Context, 'request'> & Pick<Rule, 'who'>,
): Person => {
  if (authentication.state === 'refused') throw authentication.error;
  if (who === 'staff' && authentication.principal.type !== 'staff') throw new AppError('insufficient_permissions');
  return request.as(authentication);
};

/**
 * The signed-in person, if the `who` of the policy's rule admits them, or the service with a grant. Runs before the input is
 * parsed.
 */
export const admitPerson = (context: Context, path: string): MaybePromise<Person> => {
  const { request } = context;
  const rule = ruleOf(path);
  const { service } = request;
  if (service instanceof AppError) throw service;
  if (service !== null) return admitService(context, path, { rule, service });
  return after(request.session(), admitSignedIn, { request, who: rule.who });
};

/** Whether `permits` of the policy's rule allows this input. It does not apply to services. */
export const isPermitted = (
  { request, person }: SignedInContext,
  path: string,
  input: unknown,
): MaybePromise<boolean> => {
  const { permits } = ruleOf(path);
  // The grant of a service is explicit, and covers all inputs.
  if (permits === undefined || person.kind === 'service') return true;
  const { principal, member, memberWithRoles } = person;
  return permits({ principal, member, memberWithRoles, assignmentRoles: request.assignmentRoles, input });
};

/** Throws `invalid_input` for text that no database can store. Runs before anything else happens. */
export const rejectUnstorable = (input: unknown): void => {
  const error = unstorableInputError(input);
  if (error !== null) throw error;
};

/**
 * A response with many records is serialized as soon as its call ends, which takes longer than the call. It waits for its
 * slice of the event loop. Undefined: no wait is needed.
 */
export const yieldBeforeSerializing = (data: unknown, { name }: Person): MaybePromise<void> =>
  slices.takeAgain(Math.min(countRecords(data), recordsPerSlice), name);

/** Measures each call. Calls that tRPC rejects earlier (unknown procedure, wrong method) are measured by the handler. */
export const observe = t.middleware(async ({ ctx: { request }, path, getRawInput, next }) => {
  const startedAtMs = request.monotonicNow();
  const report = (failure: Reason | null) => request.onCall(path, failure, request.monotonicNow() - startedAtMs);
  try {
    // An input that cannot be parsed is left to the procedure, which may take none.
    rejectUnstorable(await getRawInput().catch(() => undefined));
  } catch (error) {
    report(reasonOf(error));
    throw error;
  }
  const result = await next();
  report(result.ok ? null : reasonOf(result.error));
  return result;
});

/** Admits signed-in persons by the `who` of the policy's rule, before the input is parsed. */
export const admit = t.middleware(async ({ ctx, path, next }) => {
  const person = await admitPerson(ctx, path);
  const result = await next({ ctx: { person } });
  if (result.ok) await yieldBeforeSerializing(result.data, person);
  return result;
});

/** Required directly after `.input()` of each procedure whose rule has `permits`. The service does not start without it. */
export const permitted = t.middleware(async ({ ctx, path, input, next }) => {
  if (!(await isPermitted(ctx as SignedInContext, path, input))) {
    throw new AppError('insufficient_permissions');
  }
  return next();
});
