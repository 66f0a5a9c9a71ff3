import { describe, expect, it } from 'vitest';
import {
  initialSessionState,
  reduceSession,
  type SessionEvent,
  type SessionState,
} from '../../../client/src/session/session-reducer.ts';
import { ethan, john } from '../../support/page/fake-bff.ts';

const nowMs = 1_000;
const lifetime = { expiresIn: 900, refreshIn: 600 };
const unnamed = { id: john.id, type: john.type, email: null, fullName: null };

const unknown = initialSessionState;
const signedIn: SessionState = { status: 'signed_in', user: john, expiresAtMs: 500_000, epoch: 4, personSince: 1 };
const changed: SessionState = { ...signedIn, status: 'changed' };
const signedOut: SessionState = { status: 'signed_out', user: null, expiresAtMs: null, epoch: 4, personSince: 1 };

type Row = [
  title: string,
  from: SessionState,
  event: SessionEvent,
  expected: Partial<SessionState>,
  effects: readonly string[],
];

const response = (fields: Partial<Extract<SessionEvent, { type: 'response' }>>): SessionEvent => ({
  type: 'response',
  sentIn: 4,
  lifetime: null,
  user: null,
  ...fields,
});
const rejection = (reason: string, sentIn = 4): SessionEvent => ({
  type: 'rejection',
  reason,
  sentIn,
  lifetime: null,
  user: null,
});
const message = (
  type: 'refreshed' | 'signed_in' | 'changed',
  user: typeof john | typeof ethan | null,
  epoch = 9,
): SessionEvent => ({ type: 'tab_message', message: { type, user, epoch, ...lifetime } });

const ended = ['abort_refresh', 'release_waiters', 'unschedule'];
const renewed = ['release_waiters', 'schedule', 'notify'];

const rows: Row[] = [
  // Responses.
  ['a response without session headers changes nothing', unknown, response({ sentIn: 0 }), unknown, []],
  [
    'a response to a call of an earlier epoch changes nothing',
    signedIn,
    response({ sentIn: 3, lifetime, user: ethan }),
    signedIn,
    [],
  ],
  [
    'the first response with a person starts the session',
    unknown,
    response({ sentIn: 0, lifetime, user: unnamed }),
    { status: 'signed_in', user: unnamed, expiresAtMs: 901_000, epoch: 0, personSince: 0 },
    ['schedule', 'notify'],
  ],
  [
    'the first response with a lifetime only starts a session without a person',
    unknown,
    response({ sentIn: 0, lifetime }),
    { status: 'signed_in', user: null, expiresAtMs: 901_000 },
    ['schedule', 'notify'],
  ],
  [
    'a response of the same person moves the expiry without a notification',
    signedIn,
    response({ lifetime, user: unnamed }),
    { ...signedIn, expiresAtMs: 901_000 },
    ['schedule'],
  ],
  [
    'a response with the names of the same person notifies',
    { ...signedIn, user: unnamed },
    response({ user: john }),
    { ...signedIn, user: john },
    ['notify'],
  ],
  [
    'a response of another person changes the session and informs the other tabs',
    signedIn,
    response({ lifetime, user: ethan }),
    { status: 'changed', user: ethan, expiresAtMs: 901_000, epoch: 5, personSince: 5 },
    ['schedule', 'broadcast changed 5', 'notify'],
  ],
  [
    'a response with a person after a sign-out starts a session and informs the other tabs',
    signedOut,
    response({ lifetime, user: john }),
    { status: 'signed_in', user: john, epoch: 5, personSince: 5 },
    ['schedule', 'broadcast changed 5', 'notify'],
  ],
  // Rejections.
  ...['session_ended', 'token_invalid', 'no_token'].map(
    (reason): Row => [
      `${reason} ends the session and informs the other tabs`,
      signedIn,
      rejection(reason),
      { status: 'signed_out', user: null, expiresAtMs: null, epoch: 5 },
      ['broadcast signed_out', ...ended, 'notify', 'call_on_signed_out'],
    ],
  ),
  [
    'session_ended of a call of an earlier epoch changes nothing',
    signedIn,
    rejection('session_ended', 3),
    signedIn,
    [],
  ],
  [
    'no_token of a visitor ends nothing for the other tabs and calls no callback',
    unknown,
    rejection('no_token', 0),
    { status: 'signed_out', epoch: 1 },
    [...ended, 'notify'],
  ],
  ['session_ended after a sign-out changes nothing', signedOut, rejection('session_ended'), signedOut, []],
  [
    'token_expired shows that there was a session',
    unknown,
    rejection('token_expired', 0),
    { status: 'signed_in', user: null, epoch: 0 },
    [],
  ],
  ['token_expired leaves a known session as it is', signedIn, rejection('token_expired'), signedIn, []],
  ['token_expired after a sign-out does not revive the session', signedOut, rejection('token_expired'), signedOut, []],
  ['an outage changes nothing', signedIn, rejection('auth_service_unavailable'), signedIn, []],
  // Tokens from calls of the frontend.
  [
    'a sign-in aborts the refresh in flight and informs the other tabs',
    signedOut,
    { type: 'tokens', cause: 'signed_in', user: john, lifetime },
    { status: 'signed_in', user: john, expiresAtMs: 901_000, epoch: 5, personSince: 5 },
    ['abort_refresh', 'broadcast signed_in 5', ...renewed],
  ],
  [
    'a sign-in of another person changes the session',
    signedIn,
    { type: 'tokens', cause: 'signed_in', user: ethan, lifetime },
    { status: 'changed', user: ethan, epoch: 5, personSince: 5 },
    ['abort_refresh', 'broadcast signed_in 5', ...renewed],
  ],
  [
    'a sign-in after an unnamed session counts as another person',
    { ...signedIn, user: null },
    { type: 'tokens', cause: 'signed_in', user: john, lifetime },
    { status: 'changed', user: john, personSince: 5 },
    ['abort_refresh', 'broadcast signed_in 5', ...renewed],
  ],
  [
    'session.refresh of the frontend renews the session',
    changed,
    { type: 'tokens', cause: 'refreshed', user: john, lifetime },
    { status: 'signed_in', user: john, epoch: 5, personSince: 1 },
    ['broadcast refreshed 5', ...renewed],
  ],
  // Results of a refresh.
  [
    'a refresh renews the session',
    signedIn,
    { type: 'refresh_result', result: { kind: 'active', user: john, lifetime, isNew: true } },
    { status: 'signed_in', user: john, expiresAtMs: 901_000, epoch: 5, personSince: 1 },
    renewed,
  ],
  [
    'a refresh that returns another person changes the session',
    signedIn,
    { type: 'refresh_result', result: { kind: 'active', user: ethan, lifetime: null, isNew: true } },
    { status: 'changed', user: ethan, epoch: 5, personSince: 5 },
    ['release_waiters', 'notify'],
  ],
  [
    'a superseded refresh keeps the session and cools down, since the lifetime is unknown',
    changed,
    { type: 'refresh_result', result: { kind: 'superseded' } },
    { status: 'signed_in', user: john, expiresAtMs: 500_000, epoch: 5 },
    ['release_waiters', 'notify', 'cool_down'],
  ],
  [
    'a superseded refresh without a session starts none',
    unknown,
    { type: 'refresh_result', result: { kind: 'superseded' } },
    { status: 'unknown', epoch: 1 },
    ['release_waiters', 'notify'],
  ],
  [
    'a rejected refresh ends the session; the other tabs were informed under the lock',
    signedIn,
    { type: 'refresh_result', result: { kind: 'ended' } },
    { status: 'signed_out', user: null, epoch: 5 },
    [...ended, 'notify', 'call_on_signed_out'],
  ],
  [
    'a failed refresh keeps the session and cools down',
    signedIn,
    { type: 'refresh_result', result: { kind: 'failed', retryAfterSeconds: 7 } },
    signedIn,
    ['cool_down 7'],
  ],
  [
    'a failed refresh without a session is not repeated',
    unknown,
    { type: 'refresh_result', result: { kind: 'failed' } },
    unknown,
    [],
  ],
  [
    'a client that cannot refresh stops its schedule',
    signedIn,
    { type: 'refresh_result', result: { kind: 'not_refreshable' } },
    signedIn,
    ['unschedule'],
  ],
  // The sign-out in this tab.
  [
    'a sign-out ends the session in all tabs',
    signedIn,
    { type: 'signed_out' },
    { status: 'signed_out', user: null, epoch: 5 },
    ['broadcast signed_out', ...ended, 'notify', 'call_on_signed_out'],
  ],
  [
    'a sign-out without a known session reaches the other tabs and calls no callback',
    unknown,
    { type: 'signed_out' },
    { status: 'signed_out', epoch: 1 },
    ['broadcast signed_out', ...ended, 'notify'],
  ],
  // Messages of other tabs.
  [
    'a sign-out in another tab ends the session',
    signedIn,
    { type: 'tab_message', message: { type: 'signed_out' } },
    { status: 'signed_out', epoch: 5 },
    [...ended, 'notify', 'call_on_signed_out'],
  ],
  [
    'a sign-out in another tab leaves an unused tab as it is',
    unknown,
    { type: 'tab_message', message: { type: 'signed_out' } },
    unknown,
    [],
  ],
  [
    'a refresh in another tab takes over its epoch',
    signedIn,
    message('refreshed', john),
    { status: 'signed_in', user: john, expiresAtMs: 901_000, epoch: 9, personSince: 1 },
    renewed,
  ],
  [
    'a message with an older epoch still advances this tab by one',
    signedIn,
    message('refreshed', null, 2),
    { status: 'signed_in', user: john, epoch: 5 },
    renewed,
  ],
  [
    'a refresh in another tab does not revive a session that was signed out',
    signedOut,
    message('refreshed', john),
    signedOut,
    [],
  ],
  [
    'a sign-in of another person in another tab aborts the refresh in flight',
    signedIn,
    message('signed_in', ethan),
    { status: 'changed', user: ethan, epoch: 9, personSince: 5 },
    ['abort_refresh', ...renewed],
  ],
  [
    'a change that another tab saw keeps the refresh in flight',
    signedIn,
    message('changed', ethan),
    { status: 'changed', user: ethan, epoch: 9 },
    ['schedule', 'notify'],
  ],
  ['a change that this tab has seen itself changes nothing', signedIn, message('changed', john), signedIn, []],
];

describe('reduceSession', () => {
  it.each(rows)('%s', (_title, from, event, expected, effects) => {
    const before = structuredClone(from);
    const next = reduceSession(from, event, nowMs);
    expect(next.state).toMatchObject(expected);
    const texts = next.effects.map((effect) => {
      if (effect.type === 'cool_down') return `cool_down ${effect.retryAfterSeconds ?? ''}`.trim();
      if (effect.type !== 'broadcast') return effect.type;
      return `broadcast ${effect.message.type} ${'epoch' in effect.message ? effect.message.epoch : ''}`.trim();
    });
    expect(texts).toEqual(effects);
    expect(from).toEqual(before);
  });
});
