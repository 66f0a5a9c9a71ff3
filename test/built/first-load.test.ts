import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../server/dist/main.js', import.meta.url));

type Loaded = { files: string[]; packages: string[] };

/** The source files and the unbundled packages that a bundle loads before it runs, with those of its chunks. */
const loadedBy = (path: string, seen = new Set<string>()): Loaded => {
  if (seen.has(path)) return { files: [], packages: [] };
  seen.add(path);
  const text = readFileSync(path, 'utf8');
  const imports = [
    ...text.matchAll(/^(?:import|export)\b[^;'"()]*["']([^"']+)["'];$/gm),
    // Packages in CommonJS load others by this function of esbuild.
    ...text.matchAll(/\b__require\d*\("([^"]+)"\)/g),
  ].map(([, name = '']) => name);
  const chunks = imports
    .filter((name) => name.startsWith('.'))
    .map((name) => loadedBy(join(dirname(path), name), seen));
  return {
    // esbuild writes the path of each source file above its code.
    files: [...text.matchAll(/^\s*\/\/ (\S+\.(?:[cm]?[jt]s|json))$/gm)]
      .map(([, file = '']) => file)
      .concat(chunks.flatMap(({ files }) => files)),
    packages: imports
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !isBuiltin(name))
      .concat(chunks.flatMap(({ packages }) => packages)),
  };
};

const { files, packages } = loadedBy(main);

it('the service is bundled with the packages that every process uses', () => {
  for (const used of [
    '/fastify/fastify.js',
    '/zod/v4/locales/en.js',
    '/undici/lib/dispatcher/pool.js',
    'http/http.js',
  ]) {
    expect(files.filter((file) => file.endsWith(used))).toHaveLength(1);
  }
});

it('the service loads no unbundled package at start: tracing and Redis are loaded only if they are set up', () => {
  expect(packages).toEqual([]);
});

it.each([
  ['the doctor and the command line', /\/dist\/(doctor|turns-command)\/|(^|\/)cli\.js$|\/tldts\//],
  ['spans', /\/telemetry\/spans\.js$|\/@opentelemetry\//],
  ['Redis', /\/ioredis\/|\/platform\/redis\/redis\.js$/],
  ['Swagger UI', /\/swagger-ui-dist\//],
  [
    'the JSON Schema compilers of Fastify',
    /\/node_modules\/(ajv|ajv-formats|fast-uri|fast-json-stringify\/index)\b.*\.js$/,
  ],
  [
    "undici's fetch, mocks and caches",
    /\/undici\/lib\/(web\/fetch\/index|web\/websocket|web\/cookies\/index|mock|cache)\b/,
  ],
  ["Fastify's inject", /\/light-my-request\/lib\//],
  ['the ranges of semver beyond what Fastify compares', /\/semver\/ranges\//],
  ["zod's messages in other languages", /\/zod\/v4\/locales\/(?!(en|index)\.js$)/],
])('the service does not load %s at start', (_part, pattern) => {
  expect(files.filter((file) => pattern.test(file))).toEqual([]);
});
