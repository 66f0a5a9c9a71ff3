import { type AuthClient, createAuthClient, reasonOf } from '../../../client/src/index.ts';
import { accessCookie, type ErrorData, refreshCookie } from '../../../shared/src/index.ts';
import type { Staff } from '../../../server/dev/auth-service/people/people.ts';
import type { Balancer } from './balancer.ts';
import type { CallError } from '../results/call-statistics.ts';

export type SoakClientOptions = {
  number: number;
  person: Staff;
  balancer: Balancer;
  /** Milliseconds. */
  monotonicNow: () => number;
  /** Called once per client, at the first sign that its person was signed out or mistaken for another person. */
  onSignedOut: (line: string) => void;
  /** Called with the error reasons of each failed response, including attempts that the client retries. */
  onErrorReason: (reason: string) => void;
};

const origin = 'http://soak.localhost';
const signedOutReasons = new Set(['session_ended', 'no_token', 'token_invalid', 'refresh_superseded']);

/** The code and reason of a failed call, as its caller sees them. */
export const toCallError = (error: unknown): CallError => {
  const data = (error as { data?: Partial<ErrorData> | null }).data;
  const reason = reasonOf(error);
  if (data?.code !== undefined) return { code: data.code, reason: reason ?? 'none' };
  return { code: 'none', reason: reason ?? (error instanceof Error ? error.message : String(error)) };
};

const toSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** A browser's cookie jar for one host. It accepts the Domain and Path that the BFF sets without COOKIE_DOMAIN. */
const createJar = (onLost: (cookie: string) => void) => {
  const cookies = new Map<string, string>();
  return {
    header: () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    keep(lines: readonly string[]): void {
      for (const line of lines) {
        const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
        const [name = '', value = ''] = pair.split(/=(.*)/s, 2);
        if (attributes.some((attribute) => /^(domain=|path=\/.)/i.test(attribute))) continue;
        if (value !== '' && !attributes.some((attribute) => /^max-age=0$/i.test(attribute))) cookies.set(name, value);
        else if (cookies.delete(name) && (name === accessCookie || name === refreshCookie)) onLost(name);
      }
    },
  };
};

/** One person with the client package in a separate browser: own cookies, own IP address, no other tabs. */
export const createSoakClient = (options: SoakClientOptions) => {
  const { number, person, balancer, monotonicNow, onErrorReason } = options;
  const name = `client ${number} (staff ${person.id})`;
  const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  /** Log of refreshes, to explain a sign-out. */
  const refreshes: string[] = [];
  let isReported = false;
  const reportSignedOut = (event: string) => {
    if (!isReported) options.onSignedOut(`${name} ${event}; its refreshes: ${refreshes.slice(-8).join(', ')}`);
    isReported = true;
  };
  const jar = createJar((cookie) => reportSignedOut(`lost the cookie ${cookie}`));

  const inspectResponse = async (path: string, answer: Response): Promise<void> => {
    jar.keep(answer.headers.getSetCookie());
    const user = answer.headers.get('x-session-user');
    if (user !== null && user !== `staff:${person.id}`) reportSignedOut(`got a response for ${user}`);
    if (answer.status === 200) return;
    const reasons = new Set((await answer.clone().text()).match(/(?<="reason":")\w+/g));
    for (const reason of reasons) {
      onErrorReason(reason);
      if (signedOutReasons.has(reason)) reportSignedOut(`got ${reason} from ${path.split('?', 1)[0]}`);
    }
  };

  const { trpc, session }: AuthClient = createAuthClient({
    url: `${origin}/trpc`,
    fetch: async (input, init = {}) => {
      const path = (input instanceof Request ? input.url : String(input)).slice(origin.length);
      const headers = new Headers(init.headers);
      headers.set('cookie', jar.header());
      headers.set('x-forwarded-for', address);
      const isRefresh = path.startsWith('/trpc/session.refresh');
      const sentAtMs = monotonicNow();
      const answer = await balancer.send(path, { ...init, headers }).catch((error: unknown) => {
        if (isRefresh) refreshes.push(`${toSeconds(sentAtMs)} to ${toSeconds(monotonicNow())} ${String(error)}`);
        throw error;
      });
      if (isRefresh) {
        const [reason = ''] = /(?<="reason":")\w+/.exec(await answer.clone().text()) ?? [];
        refreshes.push(`${toSeconds(sentAtMs)} to ${toSeconds(monotonicNow())} ${answer.status} ${reason}`.trim());
      }
      await inspectResponse(path, answer);
      return answer;
    },
    locks: null,
    channel: null,
    onSignedOut: () => reportSignedOut('received onSignedOut'),
  });

  return {
    person,
    trpc,
    session,
    signIn: () => trpc.session.login.mutate({ email: person.email, password: person.password, as: 'staff' }),
    /** Whether the session can be refreshed and still belongs to this person. */
    async hasWorkingSession(): Promise<boolean> {
      try {
        await session.refresh();
        const { user } = await trpc.session.me.query();
        return user.type === 'staff' && user.id === person.id;
      } catch {
        return false;
      }
    },
  };
};

export type SoakClient = ReturnType<typeof createSoakClient>;
