import { crowd } from '../../support/app/crowd.ts';
import { craft } from '../../support/token/tokens.ts';
import type { Generator } from '../load/start-generator.ts';
import type { Report } from '../report.ts';
import { requestText, type SetUp, signingKey, trpcPath } from '../set-up.ts';
import { startPeer } from '../start-peer.ts';
import { atMost } from '../statistics.ts';

const [firstOfCrowd = 0] = crowd(1);
const tokensPerLoad = 20_000;
const megabyte = 1_048_576;

/** A token of one person, with the claims of the guide. */
const tokenOf = (id: number, nowSeconds: number): string => {
  const payload = {
    user_id: id,
    user_type: 'staff',
    email: `person-${id}@example.com`,
    username: `person-${id}`,
    full_name: 'Somebody',
    systems: ['TTS'],
    roles: [{ system: 'TTS', role: 'Technician' }],
    iat: nowSeconds,
    exp: nowSeconds + 86_400,
  };
  return craft({ payload, key: signingKey });
};

export type TokensOptions = { setUp: SetUp; generator: Generator; report: Report; tokens: number };

/** Measures the memory retained after many distinct tokens, each of a different person. A million tokens take many minutes. */
export const measureTokens = async ({ setUp, generator, report, tokens }: TokensOptions): Promise<void> => {
  const section = report.section(
    `${tokens.toLocaleString('en')} distinct tokens of ${tokens.toLocaleString('en')} people`,
  );
  using peer = await startPeer({ script: 'bff.mjs', env: setUp.env, execArgv: ['--expose-gc'], hasOwnCore: true });
  const path = trpcPath('users.byId', { id: 1 });
  const send = (cookies: string[]) =>
    generator.run({
      port: peer.port,
      requests: cookies.map((cookie) => requestText(path, { cookie })),
      status: 200,
      connections: 32,
      durationMs: Number.MAX_SAFE_INTEGER,
      maxRequests: cookies.length,
    });
  await send(Array.from({ length: 5_000 }, () => setUp.cookie));
  const before = await peer.retainedBytes();
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const startedAtMs = performance.now();
  for (let sent = 0; sent < tokens; sent += tokensPerLoad) {
    const size = Math.min(tokensPerLoad, tokens - sent);
    const result = await send(
      Array.from({ length: size }, (_, index) => `access_token=${tokenOf(firstOfCrowd + sent + index, nowSeconds)}`),
    );
    if (result.failed > 0) throw new Error(`${result.failed} of ${size} requests did not return 200.`);
  }
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const more = ((await peer.retainedBytes()) - before) / megabyte;
  section.rows([
    { name: 'BFF', 'tokens a second': tokens / seconds, 'MB before': before / megabyte, 'MB added': more },
  ]);
  section.verdict(atMost('MB added', more, 64));
};
