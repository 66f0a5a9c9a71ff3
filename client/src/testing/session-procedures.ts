import type { InputIssue, LoginAnswer, LoginInput, ResendOtpAnswer, Session } from '@auth-bff/shared';
import { testError } from './test-error.ts';
import type { ProcedureFunction } from './test-procedures.ts';
import type { SessionState, TestSession } from './test-session.ts';

/** The faults of a sign-in form that was sent empty. The BFF checks more. */
const issuesOf = (input: unknown): InputIssue[] => {
  if (typeof input !== 'object' || input === null) return [{ path: '', message: 'Expected an object' }];
  const { email, password } = input as Partial<LoginInput>;
  const isText = (value: unknown) => typeof value === 'string' && value.trim() !== '';
  return [
    ...(isText(email) ? [] : [{ path: 'email', message: 'Expected an e-mail address' }]),
    ...(isText(password) ? [] : [{ path: 'password', message: 'Expected a password' }]),
  ];
};

/** Whether the procedure ends the session of the caller. */
export const isSignOut = (path: string): boolean => path === 'session.logout' || path === 'session.logoutEverywhere';

export type SessionProceduresOptions = {
  state: SessionState;
  /** The initial session: a sign-in with this e-mail address signs in its person. */
  initial: TestSession | null;
  /** The functions of the test, which take precedence. */
  functions: ReadonlyMap<string, ProcedureFunction>;
};

/** The built-in procedures of `session`, and the effect on the session that the test's own have. */
export const createSessionProcedures = ({ state, initial, functions }: SessionProceduresOptions) => {
  /** The people known by e-mail address, so that they sign in with their own id. */
  const people: TestSession[] = initial === null ? [] : [initial];
  /** The last sign-in, which `verifyOtp` completes. */
  let last: Pick<LoginInput, 'email' | 'as'> | null = null;
  let resent = 0;

  const resend = (): ResendOtpAnswer => {
    resent += 1;
    return { challenge: `challenge-${resent}` };
  };

  const enter = (): LoginAnswer => {
    const { email, as: type = 'staff' } = last ?? { email: 'person@example.com' };
    const isSame = (person: TestSession) =>
      person.type === type && person.email?.toLowerCase() === email.trim().toLowerCase();
    const person = people.findLast(isSame) ?? { id: 1, type, email: email.trim() };
    return { status: 'signed_in', session: state.signIn(person) };
  };

  const builtIn = new Map<string, ProcedureFunction>([
    ['session.current', () => state.describe()],
    ['session.me', () => state.require()],
    ['session.login', enter],
    ['session.verifyOtp', enter],
    ['session.refresh', () => state.refresh()],
    ['session.resendOtp', resend],
    ['session.logout', () => null],
    ['session.logoutEverywhere', () => null],
    ['session.validate', () => ({ valid: state.current() !== null })],
  ]);

  /** The session that the browser has after the call. Null: none. Undefined: as before. */
  const sessionAfter = (path: string, answer: unknown): Session | null | undefined => {
    if (isSignOut(path)) return null;
    if (path === 'session.refresh') return answer as Session;
    if (path !== 'session.login' && path !== 'session.verifyOtp') return undefined;
    const signIn = answer as LoginAnswer;
    return signIn.status === 'signed_in' ? signIn.session : undefined;
  };

  return {
    /** Remembers a person who was signed in by the test. */
    remember: (person: TestSession) => void people.push(person),
    forget: () => {
      people.splice(initial === null ? 0 : 1);
      last = null;
      resent = 0;
    },

    has: (path: string): boolean => builtIn.has(path),

    /** Runs a procedure of `session`. `session`: as `sessionAfter`. */
    async run(path: string, input: unknown): Promise<{ answer: unknown; session: Session | null | undefined }> {
      if (path === 'session.login') {
        const issues = issuesOf(input);
        if (issues.length > 0) throw testError('invalid_input', { issues });
        last = input as LoginInput;
      }
      try {
        const answer = await (functions.get(path) ?? builtIn.get(path))?.(input);
        const session = sessionAfter(path, answer);
        if (session) state.adopt(session);
        return { answer, session };
      } finally {
        // The BFF clears the cookies even if the sign-out fails.
        if (isSignOut(path)) state.clear();
      }
    },
  };
};
