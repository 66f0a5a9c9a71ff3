import { expect, it } from 'vitest';
import { askRaw } from '../../support/app/raw-request.ts';
import { startApp } from '../../support/app/start-app.ts';

const input = encodeURIComponent('{"json":{"email":"user@example.com","password":"staff-pass-1"}}');

it.each([
  ['for an ampersand', `/trpc/session.login&input=${input}`, '/trpc/session.login'],
  ['for its own encoding', `/trpc/session.login%3Finput=${input}`, '/trpc/session.login'],
  ['for nothing', `/trpc/session.login${input}`, '/trpc/session.login'],
  ['for a slash', `/trpc/session.login/${input}`, '/trpc/session.login/'],
])('no line and no answer holds an input whose question mark was taken %s', async (_name, target, path) => {
  await using app = await startApp();
  const answers = [await askRaw(app.url, { target }), await askRaw(app.url, { method: 'PATCH', target })];
  const requests = app.logLines.filter(({ msg }) => msg === 'request');
  expect(requests).toEqual([expect.objectContaining({ path }), expect.objectContaining({ path })]);
  expect(JSON.stringify([app.logLines, answers])).not.toMatch(/staff-pass-1|user(@|%40)example/);
});
