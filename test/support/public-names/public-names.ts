import { readdirSync, readFileSync } from 'node:fs';
import { codeOfReason, httpStatusOfCode, type Reason } from '@auth-bff/shared';
import { appRouter } from '../../../server/src/api/router.ts';
import { fileVariables, variables } from '../../../server/src/config.ts';
import type { Traffic } from './run-traffic.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const manifest = (path: string) =>
  JSON.parse(read(path)) as {
    name: string;
    bin?: Record<string, string>;
    exports?: Record<string, { source: string }>;
  };

const sortedUnique = (names: Iterable<string>): string[] => [...new Set(names)].toSorted();
const sortedEntries = <Value>(entries: Iterable<readonly [string, Value]>): Record<string, Value> =>
  Object.fromEntries([...entries].toSorted(([one], [other]) => (one < other ? -1 : 1)));

/** Path and type of each procedure of the router. */
const procedures = (): Record<string, string> =>
  sortedEntries(
    Object.entries(appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>).map(
      ([path, { _def }]) => [path, _def.type] as const,
    ),
  );

const reasons = (): Record<string, string> =>
  sortedEntries(
    (Object.keys(codeOfReason) as Reason[]).map((reason) => {
      const code = codeOfReason[reason];
      return [reason, `${code} ${httpStatusOfCode[code]}`] as const;
    }),
  );

/** Headers with a value that never varies are listed with it. Cookies are listed with their attributes. */
const responseNames = ({ seen }: Traffic) => {
  const values = new Map<string, Set<string>>();
  for (const { headers } of seen) {
    for (const [name, value] of headers) values.set(name, (values.get(name) ?? new Set()).add(value));
  }
  const isConstant = (name: string) => values.get(name)?.size === 1 && !/^(date|content-length|etag)$/.test(name);
  const headers = [...values].map(([name, all]) => (isConstant(name) ? `${name}: ${[...all].join()}` : name));
  const cookies = seen
    .flatMap((answer) => answer.headers.getSetCookie())
    .map((line) => {
      const [pair = '', ...attributes] = line.split('; ');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const kept = attributes.map((attribute) =>
        attribute.replace(/^(Max-Age|Expires)=(?!0$|Thu, 01 Jan 1970).*/, '$1'),
      );
      return `${name}${value === '' ? ' (cleared)' : ''}; ${kept.join('; ')}`;
    });
  return { headers: sortedUnique(headers), cookies: sortedUnique(cookies) };
};

/** Each metric of the BFF: its type, and the names of its labels. Label values that the code enumerates are listed. */
const metrics = (families: Traffic['families']): Record<string, string> =>
  sortedEntries(
    families
      .filter(({ name }) => name.startsWith('auth_bff_'))
      .map(({ name, type, samples }) => {
        const labels = sortedUnique(samples.flatMap((sample) => Object.keys(sample.labels)));
        const described = labels
          .filter((label) => label !== 'le')
          .map((label) => {
            const isEnumerated =
              !/^(procedure|endpoint|version|kind|code|reason|result)$/.test(label) && type !== 'histogram';
            const values = sortedUnique(samples.flatMap((sample) => sample.labels[label] ?? []));
            return isEnumerated ? `${label}=${values.join('|')}` : label;
          });
        return [name, `${type} {${described.join(', ')}}`] as const;
      }),
  );

/** prom-client may add others, and some exist only on Linux. */
const publishedProcessMetrics = new Set([
  'nodejs_active_resources',
  'nodejs_eventloop_lag_max_seconds',
  'nodejs_eventloop_lag_p50_seconds',
  'nodejs_eventloop_lag_p90_seconds',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_external_memory_bytes',
  'nodejs_gc_duration_seconds',
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_version_info',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
]);

const processMetrics = (families: Traffic['families']): string[] =>
  sortedUnique(families.map(({ name }) => name).filter((name) => publishedProcessMetrics.has(name)));

/** The field names of each kind of log line. Messages are product texts, and may change. */
const logFields = ({ logLines }: Traffic): Record<string, string[]> => {
  const fields = new Map<string, string[]>();
  for (const line of logLines) {
    const kind =
      line.audit !== undefined
        ? `audit ${line.audit as string}`
        : line.method !== undefined
          ? 'request'
          : line.assignee !== undefined
            ? 'assignment'
            : line.causes !== undefined
              ? 'failure'
              : null;
    if (kind !== null) fields.set(kind, [...(fields.get(kind) ?? []), ...Object.keys(line)]);
  }
  return sortedEntries([...fields].map(([kind, names]) => [kind, sortedUnique(names)] as const));
};

/** Options that the programs print in curl lines are not theirs. */
const curlFlags = new Set(['--data-urlencode']);

const flagsIn = (...paths: string[]): string[] =>
  sortedUnique(paths.flatMap((path) => read(path).match(/(?<![\w-])--[a-z][a-z-]+/g) ?? [])).filter(
    (flag) => !curlFlags.has(flag),
  );

/** The entry points of the programs that `server/dev` starts. */
const devPrograms = (): string[] =>
  readdirSync(new URL('../../../server/dev', import.meta.url))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `server/dev/${name}`);

/** The names that an entry exports, types included. */
const exportedNames = (path: string): string[] =>
  sortedUnique(
    [
      ...read(path).matchAll(
        /^export (?:type )?\{([^}]*)\}|^export (?:const|type|declare const) (\w+)|^export (\* from '@auth-bff\/[^']+')/gms,
      ),
    ].flatMap(([, list, single, all]) =>
      all !== undefined
        ? [all]
        : single === undefined
          ? (list ?? '')
              .split(',')
              .map((name) => name.trim().replace(/^type /, ''))
              .filter((name) => name !== '')
          : [single],
    ),
  );

const packageFolders = ['server', 'server/middleware', 'client', 'shared'];

const packages = () =>
  sortedEntries(
    packageFolders.map((folder) => {
      const { name, bin, exports = {} } = manifest(`${folder}/package.json`);
      const entries = Object.entries(exports).map(
        ([entry, { source }]) => [entry, exportedNames(`${folder}/${source}`)] as const,
      );
      return [name, { bin: bin ?? {}, entries: sortedEntries(entries) }] as const;
    }),
  );

/** Every name that callers, operators and packages depend on. */
export const collectPublicNames = (memory: Traffic, away: Traffic) => ({
  procedures: procedures(),
  reasons: reasons(),
  responses: responseNames(memory),
  variables: [...variables, ...fileVariables].toSorted(),
  metrics: metrics(memory.families),
  metricsWithRedis: metrics(
    away.families.filter(({ name }) => !memory.families.some((family) => family.name === name)),
  ),
  processMetrics: processMetrics(memory.families),
  logFields: logFields(memory),
  flags: { 'auth-bff': flagsIn('server/src/cli.ts'), 'npm run dev': flagsIn(...devPrograms()) },
  packages: packages(),
});
