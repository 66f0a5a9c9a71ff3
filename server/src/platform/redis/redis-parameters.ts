import type { Parsed } from '../../config/parse.ts';

/** Paths of PEM files. Null: not given. */
export type RedisTlsFiles = {
  /** Certificates of the authorities that Redis's certificate must come from, instead of those that Node.js trusts. */
  ca: string | null;
  /** The BFF's certificate, and its chain. */
  cert: string | null;
  /** The private key of `cert`. */
  key: string | null;
};

export type RedisParameters = { isCluster: boolean; tlsFiles: RedisTlsFiles };

const fileParameters = ['ca', 'cert', 'key'] as const;
const known: ReadonlySet<string> = new Set(['cluster', ...fileParameters]);

export const isKnownParameter = (name: string): boolean => known.has(name);

/** The only value of a parameter. Undefined: it is missing. Null: it has several. */
const onlyValue = (parameters: URLSearchParams, name: string): string | null | undefined => {
  const [value, ...others] = new Set(parameters.getAll(name));
  return others.length > 0 ? null : value;
};

/** The query of REDIS_URL. The fault continues the sentence `expected …,`. */
export const readRedisParameters = (
  parameters: URLSearchParams,
  { isTls }: { isTls: boolean },
): Parsed<RedisParameters> => {
  const cluster = onlyValue(parameters, 'cluster') ?? (parameters.has('cluster') ? null : 'false');
  if (cluster === null || !['true', 'false'].includes(cluster)) {
    return { fault: 'with ?cluster=true or ?cluster=false at most once' };
  }
  const tlsFiles: RedisTlsFiles = { ca: null, cert: null, key: null };
  for (const name of fileParameters) {
    const path = onlyValue(parameters, name);
    if (path === undefined) continue;
    if (path === null || path === '' || path.includes('\0')) return { fault: `with the path of one file in ${name}` };
    if (!isTls) return { fault: `with rediss:// and not redis:// if there is ${name}=, the path of a file for TLS` };
    tlsFiles[name] = path;
  }
  if ((tlsFiles.cert === null) !== (tlsFiles.key === null)) {
    return { fault: 'with both cert= and key= or neither: the paths of the client certificate and of its key' };
  }
  return { value: { isCluster: cluster === 'true', tlsFiles } };
};
