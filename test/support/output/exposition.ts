/** Prometheus's text format, read as strictly as `promtool check metrics` does. Throws at the first line that is at fault. */

export type Sample = { name: string; labels: Record<string, string>; value: number };
export type Family = { name: string; type: string; help: string; samples: Sample[] };

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const number = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$/;
const types = new Set(['counter', 'gauge', 'histogram']);

const fail = (what: string, line: string): never => {
  throw new Error(`${what}: ${line}`);
};

const toNumber = (text: string): number => (text.endsWith('Inf') ? Number(`${text}inity`) : Number(text));

const labelsOf = (text: string, line: string): Record<string, string> => {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    // Of escapes there are three: \\, \" and \n.
    const [whole, name, value] = /^([^=,{}"]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest) ?? fail('labels', line);
    if (name === undefined || value === undefined || !labelName.test(name) || name.startsWith('__'))
      fail('label', line);
    else if (Object.hasOwn(labels, name)) fail('a label twice', line);
    else labels[name] = value.replaceAll(/\\(.)/g, (_all, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(whole.length);
  }
  return labels;
};

const sampleOf = (line: string): Sample => {
  const [, name = '', labels = '', value = ''] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? fail('sample', line);
  if (!metricName.test(name)) fail('name', line);
  if (!number.test(value)) fail('value', line);
  return { name, labels: labelsOf(labels, line), value: toNumber(value) };
};

/** The same for the same labels in any order. */
const keyOf = (labels: Record<string, string>): string =>
  JSON.stringify(Object.entries(labels).toSorted(([one], [other]) => (one < other ? -1 : 1)));

const seriesOf = ({ name, labels }: Sample): string => `${name}${keyOf(labels)}`;

const belongs = ({ name, type }: Family, sample: Sample): boolean =>
  type === 'histogram'
    ? [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample.name) &&
      (sample.name === `${name}_bucket`) === Object.hasOwn(sample.labels, 'le')
    : sample.name === name;

const checkHistogram = ({ name, samples }: Family): void => {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _le, ...labels } = sample.labels;
    const key = keyOf(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => toNumber(labels.le ?? ''));
    const counts = buckets.map(({ value }) => value);
    const isAscending = (values: number[], mayStay: boolean) =>
      values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0) || (mayStay && value === values[at - 1]));
    if (!isAscending(bounds, false) || bounds.at(-1) !== Number.POSITIVE_INFINITY) fail('bounds', `${name} ${key}`);
    if (!isAscending(counts, true)) fail('not cumulative', `${name} ${key}`);
    const one = (suffix: string) => group.filter((sample) => sample.name === `${name}${suffix}`);
    if (one('_sum').length !== 1 || one('_count').length !== 1) fail('sum and count', `${name} ${key}`);
    if (one('_count')[0]?.value !== counts.at(-1)) fail('count', `${name} ${key}`);
  }
};

/** The families of a scrape, in order. */
export const readExposition = (text: string): Family[] => {
  if (!text.endsWith('\n')) fail('the last line does not end', text.slice(-50));
  const families: Family[] = [];
  const series = new Set<string>();
  let help: { name: string; text: string } | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (!metricName.test(name) || /\\(?![\\n])/.test(rest)) fail('HELP', line);
      help = { name, text: rest };
    } else if (kind === 'TYPE') {
      if (help?.name !== name || !types.has(rest)) fail('TYPE', line);
      if (families.some((family) => family.name === name)) fail('a family twice', line);
      if ((rest === 'counter') !== name.endsWith('_total')) fail('_total is for counters', line);
      families.push({ name, type: rest, help: help?.text ?? '', samples: [] });
    } else if (line.startsWith('#')) fail('comment', line);
    else {
      const sample = sampleOf(line);
      const family = families.at(-1);
      if (family === undefined || !belongs(family, sample)) return fail('of no family above it', line);
      if (series.has(seriesOf(sample))) fail('a series twice', line);
      if (family.type === 'counter' && !(sample.value >= 0)) fail('a counter below zero', line);
      series.add(seriesOf(sample));
      family.samples.push(sample);
    }
  }
  for (const family of families) if (family.type === 'histogram') checkHistogram(family);
  return families;
};

/** The value of a series: of exactly these labels. Undefined where there is none. */
export const valueOf = (families: readonly Family[], name: string, labels: Record<string, string> = {}) =>
  families.flatMap(({ samples }) => samples).find((sample) => seriesOf(sample) === seriesOf({ name, labels, value: 0 }))
    ?.value;

/** A metric, summed over all of its series that have these labels. */
export const sumOf = (families: readonly Family[], name: string, labels: Record<string, string> = {}): number =>
  families
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);

/** Every value that a label has. */
export const valuesOfLabel = (families: readonly Family[], label: string): string[] => [
  ...new Set(families.flatMap(({ samples }) => samples.flatMap(({ labels }) => labels[label] ?? []))),
];
