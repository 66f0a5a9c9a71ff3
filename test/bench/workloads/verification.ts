import { createVerifier as createFastVerifier } from 'fast-jwt';
import { jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { createVerifier } from '../../../server/src/token/verifier.ts';
import type { Report } from '../report.ts';
import { type SetUp, signingKey } from '../set-up.ts';
import { atMost, median } from '../statistics.ts';

const verificationsPerRound = 20_000;

export type VerificationOptions = { setUp: SetUp; report: Report; rounds: number };

/** Measures verification of one token in a loop in this process: microseconds of CPU, of all threads. */
export const measureVerification = async ({ setUp, report, rounds }: VerificationOptions): Promise<void> => {
  const section = report.section('Verification alone, in process');
  const { accessToken: token } = setUp;
  const verifier = createVerifier({ signingKeys: [signingKey] });
  const key = new TextEncoder().encode(signingKey);
  const fast = createFastVerifier({ key: signingKey, algorithms: ['HS256'] });
  const fastCached = createFastVerifier({ key: signingKey, algorithms: ['HS256'], cache: 1_000 });
  const ways: Record<string, () => unknown> = {
    'BFF, cached': () => verifier.verify(token),
    'BFF, not cached': () => verifier.verifyAtAnyAge(token),
    jose: () => jwtVerify(token, key, { algorithms: ['HS256'] }),
    'fast-jwt': () => fast(token),
    'fast-jwt, cached': () => fastCached(token),
    jsonwebtoken: () => jsonwebtoken.verify(token, signingKey),
  };
  const measured = new Map<string, number[]>();
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, verify] of Object.entries(ways)) {
      const before = process.cpuUsage();
      for (let index = 0; index < verificationsPerRound; index += 1) await verify();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) measured.set(name, [...(measured.get(name) ?? []), (user + system) / verificationsPerRound]);
    }
  }
  section.rows(Object.keys(ways).map((name) => ({ name, 'µs of CPU': median(measured.get(name) ?? []) })));
  section.verdict(atMost('µs of CPU with the token cached', median(measured.get('BFF, cached') ?? []), 5));
};
