import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const names = ['User', 'Email', 'Systems', 'Roles', 'Assertion'];

/** Traefik removes the plain spelling itself. To CGI and WSGI, the others are the same header. */
const otherSpellings = names.flatMap((name) => [`X_Auth_${name}`, `X_Auth-${name}`, `X-Auth_${name}`]);

it('the documented Traefik configuration removes made-up headers with underscores at either place', () => {
  const docs = readFileSync(new URL('../../docs/middleware.md', import.meta.url), 'utf8');
  const [, removed = ''] = /customRequestHeaders:\n([\s\S]*?)\n {4}session:/.exec(docs) ?? [];
  expect([...removed.matchAll(/^ +(X\S+): ""$/gm)].map(([, name]) => name)).toEqual(otherSpellings);
});
