import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { deviceCookie } from '@auth-bff/shared';
import { readExposition } from '../../support/output/exposition.ts';
import { startApp } from '../../support/app/start-app.ts';

type Dashboard = { panels: Array<{ title: string; targets: Array<{ expr: string }> }> };

const dashboard = JSON.parse(
  readFileSync(new URL('../../../docs/grafana-dashboard.json', import.meta.url), 'utf8'),
) as Dashboard;
const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

/** Names of metrics in a text; a histogram is asked for by the names of its series. */
const namesIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/\b(?:auth_bff|nodejs|process)_[a-z0-9_]+/g)].map(([name]) =>
      name.replace(/_seconds_(bucket|count|sum)$/, '_seconds'),
    ),
  ),
];

it('the dashboard and the README speak of metrics that are there, and the README of all of ours', async () => {
  await using app = await startApp({ env: { OPS_PORT: '0' } });
  const address = await app.app.listenOps();
  const families = readExposition(await (await fetch(`${address}/metrics`)).text());
  const there = [...families.map(({ name }) => name), 'auth_bff_redis_up', 'auth_bff_key_mismatch'];
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  expect(namesIn(expressions.join('\n')).length).toBeGreaterThan(10);
  expect(there).toEqual(expect.arrayContaining(namesIn(expressions.join('\n'))));
  const inReadme = namesIn(readme).filter((name) => name !== deviceCookie);
  expect(there).toEqual(expect.arrayContaining(inReadme));
  expect(inReadme).toEqual(expect.arrayContaining(there.filter((name) => name.startsWith('auth_bff_'))));
});
