import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOfReason } from '@auth-bff/shared';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { alertCases, normalSeries, readAtMinute, type Series } from '../support/docs/alert-cases.ts';
import { readMetricsOfAll } from '../support/docs/all-metrics.ts';
import { anchorsOf, readPage, root } from '../support/docs/markdown.ts';
import { hasPromtool, runPromtool } from '../support/docs/promtool.ts';
import { selectorsIn } from '../support/docs/promql.ts';

const path = join(root, 'docs/alerts.yml');
const operations = readPage('docs/operations.md');

type Rule = {
  alert?: string;
  record?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
};
const { groups } = parse(readFileSync(path, 'utf8')) as { groups: Array<{ rules: Rule[] }> };
const rules = groups.flatMap((group) => group.rules);
const codes = new Set<string>(Object.values(codeOfReason));
const alerts = rules.filter(({ alert }) => alert !== undefined);
const names = alerts.map(({ alert = '' }) => alert);

describe('docs/alerts.yml', () => {
  it('has a severity, a summary, a description and a runbook entry for each alert', () => {
    const anchors = anchorsOf(operations);
    const faults = alerts.filter(({ alert = '', labels = {}, annotations = {} }) => {
      const [page, anchor = ''] = (annotations.runbook_url ?? '').split('#');
      return !(
        ['critical', 'warning'].includes(labels.severity ?? '') &&
        annotations.summary &&
        annotations.description &&
        page?.startsWith('https://') === true &&
        page.endsWith('/docs/operations.md') &&
        anchor === alert.toLowerCase() &&
        anchors.has(anchor)
      );
    });
    expect(faults).toEqual([]);
  });

  it('has an alert for each entry of the runbook, which has a symptom, a cause and an action', () => {
    const entries = [...operations.text.matchAll(/^### (AuthBff\w+)\n(.*?)(?=^##)/gms)];
    expect(entries.map(([, name = '']) => name).toSorted()).toEqual(names.toSorted());
    const parts = ['**Symptom.**', '**Cause.**', '**Action.**'];
    expect(entries.filter(([, , text = '']) => !parts.every((part) => text.includes(part)))).toEqual([]);
  });

  it('is listed in the first section of the runbook', () => {
    const { text } = operations;
    const links = text.slice(text.indexOf('## Start here'), text.indexOf('## Alerts')).match(/#authbff\w+/g);
    const linked = new Set(links);
    expect(names.filter((name) => !linked.has(`#${name.toLowerCase()}`))).toEqual([]);
  });

  it('uses only metrics and label values that a running BFF has', async () => {
    const families = await readMetricsOfAll();
    const recorded = new Set(rules.flatMap(({ record = [] }) => record));
    const samples = families.flatMap((family) => family.samples);
    // Prometheus adds `up`.
    const own = rules.flatMap(({ expr }) => selectorsIn(expr)).filter(({ metric }) => metric !== 'up');
    expect(own.length).toBeGreaterThan(25);
    const faults = own.filter(({ metric, labels }) => {
      // A recorded series has the labels of its metric.
      const name = recorded.has(metric) ? metric.replace(/^auth_bff:(\w+):.*$/, 'auth_bff_$1_total') : metric;
      const found = samples.filter((sample) => sample.name === name);
      // No request can provoke INTERNAL_SERVER_ERROR in a BFF without a bug.
      const isKnown = ([label, value]: [string, string]) =>
        label === 'code' ? codes.has(value) : found.some((sample) => sample.labels[label] === value);
      return found.length === 0 || !labels.every(isKnown);
    });
    expect(faults).toEqual([]);
  });
});

/** A series with the labels that Prometheus adds. */
const withTarget = (name: string): string => {
  const [, metric = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(name) ?? [];
  const added = ['job="auth-bff"', 'instance="a"'].filter((label) => !labels.includes(`${label.split('=')[0]}=`));
  return `${metric}{${[...(labels === '' ? [] : [labels]), ...added].join(',')}}`;
};

const toTest = (name: string, series: Series, alertsAt: ReadonlyArray<{ minute: number; firing: string[] }>) => ({
  name,
  interval: '1m',
  input_series: Object.entries({ ...normalSeries, ...series }).map(([one, values]) => ({
    series: withTarget(one),
    values,
  })),
  promql_expr_test: alertsAt.map(({ minute, firing }) => ({
    expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
    eval_time: `${minute}m`,
    exp_samples: firing.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
  })),
});

const runTests = (...tests: Array<ReturnType<typeof toTest>>) =>
  runPromtool(['test', 'rules'], JSON.stringify({ rule_files: [path], evaluation_interval: '1m', tests }));

describe.skipIf(!hasPromtool())('the rules, by promtool', () => {
  it('are valid', () => {
    const { isAccepted, output } = runPromtool(['check', 'rules'], readFileSync(path, 'utf8'));
    expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(isAccepted).toBe(true);
  });

  it('have a case for each alert', () => {
    expect([...new Set(alertCases.flatMap((one) => one.alerts))].toSorted()).toEqual(names.toSorted());
  });

  it('are silent in normal operation', () => {
    const silent = [1, 5, 12, 30, readAtMinute].map((minute) => ({ minute, firing: [] }));
    expect(runTests(toTest('normal operation', {}, silent))).toMatchObject({ isAccepted: true });
  });

  it('are silent when a replica has just started', () => {
    const started = { 'process_start_time_seconds{instance="b"}': `_x70 4200x20` };
    const zero = { 'auth_bff_failures_total{reason="internal",instance="b"}': `_x70 0x20` };
    const silent = [71, 75, readAtMinute].map((minute) => ({ minute, firing: [] }));
    expect(runTests(toTest('a new replica', { ...started, ...zero }, silent))).toMatchObject({ isAccepted: true });
  });

  it.each(alertCases.map((one) => [one.alerts.join(' and ') || 'no alert', one.trouble, one] as const))(
    'fire %s, and no other alert, when %s',
    (_alerts, trouble, { alerts: firing, series }) => {
      const { isAccepted, output } = runTests(toTest(trouble, series, [{ minute: readAtMinute, firing }]));
      expect(output).toContain('SUCCESS');
      expect(isAccepted).toBe(true);
    },
  );
});
