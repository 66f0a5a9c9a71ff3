import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';

export const signingKey = 'the-signing-key-of-the-benchmarks-0123456789';
const apiKey = 'the-api-key-of-the-benchmarks';

/** Id of the requested user. The peers have the user in memory, in the shape that the BFF returns. */
export const userId = 1;
const users = [
  {
    id: userId,
    email: 'maria.santos@example.com',
    firstName: 'Maria',
    lastName: 'Santos',
    companyId: 'MA0002',
    department: 'Information Technology',
    position: 'Technician',
    isActive: true,
    joinedAt: '2020-01-15T08:30:00.000Z',
    systems: ['TTS'],
    roles: [{ system: 'TTS', role: 'Technician' }],
  },
];

/** Starts the Auth Service, issues tokens of one user, and builds the environment of the BFF and its peers. */
export const setUp = async () => {
  const authService = await startAuthService({ dialect: 'guide', signingKey, apiKey, accessLifetimeSeconds: 86_400 });
  const { access: accessToken, refresh: refreshToken } = await authService.issue({ type: 'staff', id: 123 });
  return {
    authService,
    cookie: `access_token=${accessToken}; refresh_token=${refreshToken}`,
    accessToken,
    env: {
      DJANGO_JWT_SIGNING_KEY: signingKey,
      AUTH_API_KEY: apiKey,
      AUTH_SERVICE_URL: authService.url,
      HOST: '127.0.0.1',
      PORT: '0',
      CORS_ORIGINS: 'https://tts.example.com',
      BENCH_USERS: JSON.stringify(users),
    },
    [Symbol.asyncDispose]: () => authService.close(),
  };
};

export type SetUp = Awaited<ReturnType<typeof setUp>>;

/** An HTTP/1.1 request as a same-origin page sends it. */
export const requestText = (path: string, { cookie }: { cookie?: string } = {}): string =>
  [
    `GET ${path} HTTP/1.1`,
    'host: bff.example.com',
    'user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    'accept: */*',
    'sec-fetch-site: same-origin',
    ...(cookie === undefined ? [] : [`cookie: ${cookie}`]),
    '\r\n',
  ].join('\r\n');

export const trpcPath = (name: string, input: unknown): string =>
  `/trpc/${name}?input=${encodeURIComponent(JSON.stringify({ json: input }))}`;

/** A batch of `users.byId` calls, as tRPC clients send it. */
export const batchPath = (ids: readonly number[]): string => {
  const inputs = Object.fromEntries(ids.map((id, index) => [index, { json: { id } }]));
  return `/trpc/${ids.map(() => 'users.byId').join(',')}?batch=1&input=${encodeURIComponent(JSON.stringify(inputs))}`;
};
