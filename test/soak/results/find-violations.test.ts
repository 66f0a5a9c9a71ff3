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

describe('findViolations', () => {
  it('a run passes if calls failed only with SERVICE_UNAVAILABLE and only during faults', () => {
    expect(findViolations(passed)).toEqual([]);
  });

  it.each<[string, Partial<Outcome>, string]>([
    [
      'a call fails outside of faults',
      { failures: [{ ...failure, phase: 'calm' }] },
      '3 calls of users.byId failed with SERVICE_UNAVAILABLE overloaded (outside of faults).',
    ],
    [
      'a call fails with another code during a fault',
      { failures: [{ ...failure, phase: 'Redis stopped', code: 'INTERNAL_SERVER_ERROR', reason: 'internal' }] },
      '3 calls of users.byId failed with INTERNAL_SERVER_ERROR internal (Redis stopped).',
    ],
    [
      'a call gets no response during a fault',
      { failures: [{ ...failure, phase: 'replica killed', code: 'none', reason: 'network' }] },
      '3 calls of users.byId failed with none network (replica killed).',
    ],
    [
      'a call fails with another code during CPU starvation',
      { failures: [{ ...failure, phase: 'CPU starved', code: 'UNAUTHORIZED', reason: 'no_token' }] },
      '3 calls of users.byId failed with UNAUTHORIZED no_token (CPU starved).',
    ],
    ['a call gets no response', { answeredCalls: 17_999 }, '1 of 18000 calls got no response.'],
    ['a client is signed out', { signedOut: ['client 7 lost a cookie'] }, 'Signed out: client 7 lost a cookie.'],
    ['a response is rate-limited', { rateLimited: 2 }, '2 responses were rate_limited.'],
    ['a session does not work', { workingSessions: 99 }, '1 of 100 sessions do not work after the run.'],
    ['too few sessions are refreshed', { refreshes: 99 }, 'Only 99 refreshes for 100 clients.'],
    [
      'memory grows',
      { memory: [{ replica: 'replica 2', middleBytes: 40_000_000, endBytes: 40_000_001 + maxGrowthBytes }] },
      'The memory of replica 2 grew from 40.0 MB to 43.0 MB; 3.0 MB are allowed.',
    ],
    ['memory is not measured', { memory: [] }, 'No memory was measured.'],
    [
      'a fault has no measurable effect',
      { observedFaults: ['replica killed', 'Redis stopped'] },
      'The fault "Auth Service down" had no measurable effect.',
    ],
  ])('a run fails if %s', (_, change, violation) => {
    expect(findViolations({ ...passed, ...change })).toEqual([violation]);
  });
});
