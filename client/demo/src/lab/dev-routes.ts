/** A seeded person. */
export type SeededPerson = {
  name: string;
  email: string;
  password: string;
  as: 'staff' | 'employee';
  /** What a sign-in as this person leads to. */
  outcome: 'signed in' | 'one more step' | 'refused';
  /** What a visitor sees with this person. */
  shows: string;
  secondFactor: boolean;
};
export type DeskConfig = {
  ticketsUrl: string;
  people: SeededPerson[];
  accessLifetimeSeconds: number;
  hasApiDocs: boolean;
};
export type Counts = { bff: number; upstream: number; byEndpoint: Record<string, number>; refreshes: number };
export type Fault =
  | { kind: 'reset' }
  | { kind: 'hang' }
  | { kind: 'latency'; ms: number }
  | { kind: 'status'; status: number };

const ask = async (path: string, init?: RequestInit): Promise<unknown> => {
  const answer = await fetch(`/dev/${path}`, init);
  if (!answer.ok) throw new Error(`/dev/${path} answered ${answer.status}.`);
  return answer.json();
};

const change = (path: string, method: 'POST' | 'PUT' | 'DELETE', body?: unknown) =>
  ask(path, {
    method,
    headers: { 'x-csrf': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** Routes that `npm run dev` adds for this page. */
export const devRoutes = {
  config: () => ask('config') as Promise<DeskConfig>,
  counts: () => ask('counts') as Promise<Counts>,
  resetCounts: () => change('counts/reset', 'POST'),
  lastCode: async (email: string) =>
    ((await ask(`last-code?email=${encodeURIComponent(email)}`)) as { code: string | null }).code,
  lastResetLink: async (email: string) =>
    ((await ask(`last-reset-link?email=${encodeURIComponent(email)}`)) as { link: string | null }).link,
  fault: () => ask('fault') as Promise<Fault | null>,
  setFault: (fault: Fault | null) => (fault === null ? change('fault', 'DELETE') : change('fault', 'PUT', fault)),
  /** Removes the access token, to simulate its expiry. */
  expire: () => change('expire', 'POST'),
};
