import { codeOfReason } from '@auth-bff/shared';
import { rules } from './procedure-rules.ts';
import { type createSessionProcedures, isSignOut } from './session-procedures.ts';
import { isTestError, type TestError, testError } from './test-error.ts';
import type { ProcedureFunction } from './test-procedures.ts';
import type { Run, TestContext } from './test-router.ts';
import type { SessionState } from './test-session.ts';

export type CallRunnerOptions = {
  functions: ReadonlyMap<string, ProcedureFunction>;
  sessionProcedures: ReturnType<typeof createSessionProcedures>;
  state: SessionState;
  /** Failures that the test has set, by path or `*`. */
  failures: ReadonlyMap<string, TestError>;
};

/** The reasons that a request with a valid token does not get. */
const isWithoutSession = ({ reason }: TestError): boolean =>
  ['no_token', 'token_expired', 'token_invalid', 'session_ended'].includes(reason);

const textOf = (thrown: unknown): string => {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`;
  return typeof thrown === 'string' ? JSON.stringify(thrown) : String(thrown);
};

/** A mistake in the test. The BFF would answer `internal` without details; the test shows them. */
const toMistake = (path: string, thrown: unknown): TestError => {
  const hint =
    typeof thrown === 'string' && Object.hasOwn(codeOfReason, thrown) ? ` Throw testError('${thrown}') instead.` : '';
  return testError('internal', { message: `procedures.${path} threw ${textOf(thrown)}.${hint}` });
};

/** Checks and runs the calls in the order in which the BFF does. */
export const createCallRunner = ({ functions, sessionProcedures, state, failures }: CallRunnerOptions): Run => {
  const admit = (path: string): void => {
    const who = rules.get(path)?.who ?? 'anyone';
    if (who === 'anyone') return;
    const { user } = state.require();
    if (who === 'staff' && user.type !== 'staff') throw testError('insufficient_permissions');
  };

  const rejectInBatch = (path: string, { callCount, isStreaming }: TestContext): void => {
    const isSessionMutation = path.startsWith('session.') && rules.get(path)?.type === 'mutation';
    if (!isSessionMutation || (callCount === 1 && !isStreaming)) return;
    const message =
      callCount > 1
        ? 'A session mutation cannot be batched with other calls: send it in a request of its own.'
        : 'A session mutation sets cookies, which a streamed response cannot: send it with httpLink or httpBatchLink.';
    throw testError('invalid_input', { message });
  };

  const runSession = async (path: string, input: unknown, ctx: TestContext): Promise<unknown> => {
    try {
      const { answer, session } = await sessionProcedures.run(path, input);
      if (session) ctx.session = session;
      return answer;
    } finally {
      if (isSignOut(path)) ctx.session = null;
    }
  };

  const runOwn = async (path: string, input: unknown, ctx: TestContext): Promise<unknown> => {
    try {
      return await (sessionProcedures.has(path) ? runSession(path, input, ctx) : functions.get(path)?.(input));
    } catch (error) {
      throw isTestError(error) ? error : toMistake(path, error);
    }
  };

  return async (path, readInput, ctx) => {
    const failure = failures.get(path) ?? failures.get('*');
    if (failure !== undefined) {
      if (isWithoutSession(failure)) ctx.session = null;
      throw failure;
    }
    if (!functions.has(path) && !sessionProcedures.has(path)) {
      const message = `The test BFF has no ${path}: add it to the procedures of createTestBff.`;
      throw testError('no_such_procedure', { message });
    }
    admit(path);
    rejectInBatch(path, ctx);
    const input = await readInput();
    const answer = await runOwn(path, input, ctx);
    if (answer === undefined) {
      throw testError('internal', { message: `procedures.${path} returned undefined. Return the output of ${path}.` });
    }
    return answer;
  };
};
