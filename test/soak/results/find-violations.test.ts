import { describe, expect, it } from 'vitest';
import { maxGrowthBytes, type Outcome, findViolations } from './find-violations.ts';

const passed: Outcome = {
  plannedCalls: 18_000,
  answeredCalls: 18_000,
  failures: [
    {
      phase: 'Auth Service down',
      procedure: 'users.byId',
      code: 'SERVICE_UNAVAILABLE',
      reason: 'auth_service_unavailable',
      count: 9,
    },
  ],
  clients: 100,
  signedOut: [],
  rateLimited: 0,
  workingSessions: 100,
  refreshes: 250,
  memory: [{ replica: 'replica 1', middleBytes: 40_000_000, endBytes: 40_000_000 + maxGrowthBytes }],
  observedFaults: ['replica killed', 'Auth Service down', 'Redis stopped'],
  plannedFaults: ['replica killed', 'Auth Service down', 'Redis stopped'],
};
const failure = { procedure: 'users.byId', code: 'SERVICE_UNAVAILABLE', reason: 'overloaded', count: 3 };

describe('the verdict on a soak', () => {
  it('is that it passed where calls failed with SERVICE_UNAVAILABLE in the time of a fault alone', () => {
    expect(findViolations(passed)).toEqual([]);
  });

  it.each<[string, Partial<Outcome>, string]>([
    [
      'a call failed outside of the faults',
      { failures: [{ ...failure, phase: 'calm' }] },
      '3 calls of users.byId failed with SERVICE_UNAVAILABLE overloaded (outside of the faults).',
    ],
    [
      'a call failed otherwise in the time of a fault',
      { failures: [{ ...failure, phase: 'Redis stopped', code: 'INTERNAL_SERVER_ERROR', reason: 'internal' }] },
      '3 calls of users.byId failed with INTERNAL_SERVER_ERROR internal (Redis stopped).',
    ],
    [
      'a call had no answer in the time of a fault',
      { failures: [{ ...failure, phase: 'replica killed', code: 'none', reason: 'network' }] },
      '3 calls of users.byId failed with none network (replica killed).',
    ],
    [
      'a call failed otherwise while the machine was busy',
      { failures: [{ ...failure, phase: 'CPU starved', code: 'UNAUTHORIZED', reason: 'no_token' }] },
      '3 calls of users.byId failed with UNAUTHORIZED no_token (CPU starved).',
    ],
    ['a call is unanswered', { answeredCalls: 17_999 }, '1 of 18000 calls have no answer.'],
    ['somebody was signed out', { signedOut: ['client 7 lost a cookie'] }, 'Signed out: client 7 lost a cookie.'],
    ['somebody was limited', { rateLimited: 2 }, '2 answers said rate_limited.'],
    ['a session does not work', { workingSessions: 99 }, '1 of 100 sessions do not work after the run.'],
    ['too few sessions were refreshed', { refreshes: 99 }, 'Only 99 refreshes for 100 clients.'],
    [
      'memory grew',
      { memory: [{ replica: 'replica 2', middleBytes: 40_000_000, endBytes: 40_000_001 + maxGrowthBytes }] },
      'The memory of replica 2 grew from 40.0 MB to 43.0 MB; 3.0 MB are allowed.',
    ],
    ['memory was not measured', { memory: [] }, 'The memory of no replica was measured.'],
    [
      'a fault left no trace',
      { observedFaults: ['replica killed', 'Redis stopped'] },
      'The fault "Auth Service down" left no trace.',
    ],
  ])('is that it failed where %s', (_, change, violation) => {
    expect(findViolations({ ...passed, ...change })).toEqual([violation]);
  });
});
