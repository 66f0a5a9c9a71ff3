import type { Case } from '../app/reference-pair.ts';
import { type Asked, asStaff, both, good, inputsText, postOf, turn } from './calls.ts';

const names: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'then',
  'length',
  '0',
  'users',
  'users.',
  '.users',
  'users..byId',
  'users.byId.',
  'users.byId.then',
  'users.byId._def',
  'users.__proto__',
  'users.constructor',
  'session.__proto__.me',
  '_def',
  'Users.byId',
  'USERS.BYID',
  'users.byid',
  'users.byId;x',
  'users.byId:x',
  'users.byId@x',
  "users.byId'",
  'users.byId|',
  'users.byId\\x',
  ':path',
  '*',
  '.',
  '..',
  'a'.repeat(3_000),
];

const encodedNames: readonly string[] = [
  'users%2EbyId',
  'users%2ebyId',
  '%75sers.byId',
  'users%252EbyId',
  '%2575sers.byId',
  'users.byId%2Cusers.byId',
  'users.byId%252Cusers.byId',
  'users.byId%20',
  '%20users.byId',
  'users.byId%0A',
  'users.byId%3Finput=1',
  'users.byId%23',
  'users.byId%2Fx',
  'users.byId%5C',
  '%2e%2e',
  '%2e',
  '%5F_proto__',
  'users%C3%A9',
  'users%EF%BB%BF',
  '%25',
  '%2525',
  '%2500',
  '%25zz',
  '%25ff',
];

/** Names that Fastify does not route, Node cannot parse, or no database can store. */
const lostNames: readonly string[] = [
  'users.byId%00',
  '%00',
  '%ED%A0%80',
  'users.byId%ed%bf%bf',
  '%',
  '%zz',
  '%ff',
  '%E2%82',
  '%c0%ae',
  'users.byId%',
  'a/b',
  'users.byId/',
  'users\u00e9',
];

const askedOf = (name: string): Asked[] => [
  ['a path', { target: `/trpc/${name}?input=${good}` }],
  ['a path in a batch', { target: `/trpc/${name}?batch=1&input=${both}` }],
  ['a path in a batch with a valid one', { target: `/trpc/users.byId,${name}?batch=1&input=${both}` }],
  ['a path in a batch by POST', postOf(`assignments.next,${name}?batch=1`, inputsText([turn, {}]))],
];

const isEncodedTwice = (name: string) => name.includes('%25');

/** Valid and malformed paths. */
export const pathCases: readonly Case[] = [
  ...names.flatMap((name) => asStaff('own', askedOf(name), name)),
  ...encodedNames.flatMap((name) => asStaff(isEncodedTwice(name) ? 'adapter' : 'own', askedOf(name), name)),
  ...lostNames.flatMap((name) => asStaff('neither', askedOf(name), name)),
  ...asStaff('own', [
    ['an empty name', { target: '/trpc/' }],
    ['a path with an encoded prefix', { target: `/%74rpc/users.byId?input=${good}` }],
    ['a valid path with an encoded dot', { target: `/trpc/users%2EbyId?input=${good}` }],
  ]),
  ...asStaff('neither', [
    ['no name', { target: '/trpc' }],
    ['a path twice', { target: `/trpc//users.byId?input=${good}` }],
    ['two slashes', { target: `//trpc/users.byId?input=${good}` }],
    ['a path in capitals', { target: `/TRPC/users.byId?input=${good}` }],
    ['dots', { target: `/x/../trpc/users.byId?input=${good}` }],
    ['a star', { target: '*' }],
    ['no slash', { target: 'trpc/users.byId' }],
  ]),
];
