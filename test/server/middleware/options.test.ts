import { describe, expect, it } from 'vitest';
import * as forExpress from '../../../server/middleware/src/express.ts';
import * as forFastify from '../../../server/middleware/src/fastify.ts';
import { signingKey } from '../../support/token/tokens.ts';

const jwks = 'https://bff.example.org/bff/jwks.json';
const byKeys = (options: Record<string, unknown>) => ({ signingKeys: undefined, jwks, ...options });
const jwksMessage =
  'jwks: expected the http(s) address of the BFF’s keys, such as https://bff.example.org/bff/jwks.json';

const messageOf = (start: () => unknown): string => {
  try {
    start();
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  throw new Error('The options were accepted.');
};

describe.each([
  { name: 'Express', requireAuth: forExpress.requireAuth, requireRole: forExpress.requireRole },
  { name: 'Fastify', requireAuth: forFastify.requireAuth, requireRole: forFastify.requireRole },
])('what requireAuth for $name is given at the start', ({ requireAuth, requireRole }) => {
  const start = (options: Record<string, unknown>) => () => requireAuth({ signingKeys: [signingKey], ...options });

  it.each([
    [
      'no keys',
      { signingKeys: undefined },
      "Expected exactly one of signingKeys (the Auth Service's key) and jwks (the address of the BFF's public keys): neither is given",
    ],
    [
      'signing keys and a JWKS',
      { jwks },
      "Expected exactly one of signingKeys (the Auth Service's key) and jwks (the address of the BFF's public keys): both are given",
    ],
    ['a JWKS that is no address', byKeys({ jwks: 'bff.example.org/bff/jwks.json' }), jwksMessage],
    ['a JWKS in a file', byKeys({ jwks: 'file:///bff/jwks.json' }), jwksMessage],
    ['a JWKS with a password', byKeys({ jwks: 'https://me:secret@bff.example.org/bff/jwks.json' }), jwksMessage],
    ['an empty audience', byKeys({ audience: '' }), 'audience: expected the name of this backend, such as tickets'],
    ['a list of issuers', byKeys({ issuer: ['auth-bff'] }), 'issuer: expected the iss of assertions, such as auth-bff'],
    ['an algorithm for a JWKS', byKeys({ algorithm: 'HS256' }), 'algorithm: applies only to signingKeys'],
    ['an audience for signing keys', { audience: 'tickets' }, 'audience: applies only to jwks'],
    ['an issuer for signing keys', { issuer: 'auth-bff' }, 'issuer: applies only to jwks'],
    ['roles for a resolver', { resolveRoles: [] }, 'resolveRoles: expected a function'],
    ['a text for a report', { onRefused: 'log' }, 'onRefused: expected a function'],
    ['no cache', { maxCachedTokens: 0 }, 'maxCachedTokens: expected a whole number of 1 or more'],
    ['a timeout in text', byKeys({ jwksTimeoutMs: '5s' }), 'jwksTimeoutMs: expected a whole number of 1 or more'],
    ['an empty list of keys', { signingKeys: [] }, 'signingKeys: expected an array of at least one key'],
    ['a key for a list', { signingKeys: signingKey }, 'signingKeys: expected an array of at least one key'],
    ['a key that is not set', { signingKeys: [signingKey, undefined] }, 'signingKeys: key 2 is missing or blank'],
    ['a key that is blank', { signingKeys: [' '.repeat(40)] }, 'signingKeys: key 1 is missing or blank'],
    [
      'a short key',
      { signingKeys: [signingKey, 'short-key'] },
      'signingKeys: key 2 is 9 bytes long; expected 32 or more outside development',
    ],
    ['another algorithm', { algorithm: 'none' }, 'A key ring is for HS256, HS384 or HS512.'],
    ['an algorithm of public keys', { algorithm: 'RS256' }, 'A key ring is for HS256, HS384 or HS512.'],
    [
      'a prefix for a list',
      { publicPrefixes: '/public/' },
      'publicPrefixes: expected an array of prefixes such as /public/',
    ],
  ])('may not be %s', (_, options, message) => {
    expect(messageOf(start(options))).toBe(message);
  });

  it.each([
    '',
    '/',
    'public',
    '/public?x',
    '/public#x',
    '/a/../public',
    '//public',
    '/public//',
    '/%2e%2e',
    '/a\\b',
    null,
    5,
  ])('may not be the public prefix %j', (prefix) => {
    const message = messageOf(start({ publicPrefixes: ['/docs', prefix] }));
    expect(message).toBe(
      `publicPrefixes: ${JSON.stringify(prefix)} is not a prefix of plain segments; expected one such as /public/`,
    );
  });

  it('may be a short key in development', () => {
    expect(start({ signingKeys: ['short-key'], isDevelopment: true })).not.toThrow();
    expect(messageOf(start({ signingKeys: [''], isDevelopment: true }))).toBe('signingKeys: key 1 is missing or blank');
  });

  it('is never quoted where it is a key', () => {
    expect(messageOf(start({ signingKeys: ['secret-of-house'] }))).not.toContain('secret-of-house');
  });

  it.each([
    ['', 'Admin', /short name of a system/],
    ['TTS ticket desk', 'Admin', /short name of a system/],
    ['TTS', ' ', /name of a role/],
    [undefined, 'Admin', /^requireRole: /],
    ['TTS', undefined, /^requireRole: /],
  ])('may not be the role %j %j', (system, role, message) => {
    expect(messageOf(() => requireRole(system as string, role as string))).toMatch(message);
  });
});
