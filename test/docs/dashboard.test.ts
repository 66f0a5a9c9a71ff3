import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMetricsOfAll } from '../support/docs/all-metrics.ts';
import { root } from '../support/docs/markdown.ts';
import { hasPromtool, runPromtool } from '../support/docs/promtool.ts';
import { selectorsIn } from '../support/docs/promql.ts';

type Dashboard = {
  templating: { list: Array<{ name: string; multi?: boolean; includeAll?: boolean; definition?: string }> };
  panels: Array<{
    id: number;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    datasource: { uid: string };
    targets: Array<{ expr: string }>;
  }>;
};

const { templating, panels } = JSON.parse(readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8')) as Dashboard;
const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

describe('the dashboard', () => {
  it('has variables for the job and the instance, each with several values and all', () => {
    const variables = templating.list.filter(({ name }) => name === 'job' || name === 'instance');
    expect(variables).toMatchObject([
      { name: 'job', multi: true, includeAll: true },
      { name: 'instance', multi: true, includeAll: true, definition: expect.stringContaining('job=~"$job"') },
    ]);
  });

  it('restricts each metric of each query to the chosen job and instance', () => {
    const selectors = expressions.flatMap(selectorsIn);
    expect(selectors.length).toBeGreaterThan(20);
    const isRestricted = ({ labels }: (typeof selectors)[number]) => {
      const chosen = new Map(labels);
      return chosen.get('job') === '$job' && chosen.get('instance') === '$instance';
    };
    expect(selectors.filter((selector) => !isRestricted(selector))).toEqual([]);
  });

  it('shows only metrics that a running BFF has, among them Redis and the open file descriptors', async () => {
    // The series of a histogram have other names than the metric. Some counters have no series before their first event.
    const families = await readMetricsOfAll();
    const samples = families.flatMap((family) => family.samples);
    const names = new Set([...families, ...samples].map(({ name }) => name));
    const shown = [...new Set(expressions.flatMap(selectorsIn).map(({ metric }) => metric))];
    expect(shown.filter((name) => !names.has(name))).toEqual([]);
    expect(shown).toEqual(expect.arrayContaining(['auth_bff_redis_up', 'auth_bff_redis_state', 'process_open_fds']));
  });

  it('has no two panels in one place, and reads each from the chosen source', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ datasource }) => datasource.uid))).toEqual(new Set(['${source}']));
  });

  it.skipIf(!hasPromtool())('has only queries that Prometheus can parse', () => {
    const toQuery = (expr: string) => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.+');
    const rules = expressions.map((expr, at) => ({ record: `panel_${at}`, expr: toQuery(expr) }));
    const { isAccepted, output } = runPromtool(
      ['check', 'rules'],
      JSON.stringify({ groups: [{ name: 'all', rules }] }),
    );
    expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(isAccepted).toBe(true);
  });
});
