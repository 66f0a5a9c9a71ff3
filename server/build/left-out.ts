import type { Plugin } from 'esbuild';

/** A module of a package, and the text that replaces it in bundles. */
type Replacement = {
  /** The end of its path. */
  module: RegExp;
  text: string;
};

const noCompiler = `module.exports = () => () => {
  throw new Error('Bundles contain no JSON Schema compiler. Check with zod, or include the compiler (server/build/left-out.ts).');
};`;

/**
 * Parts of packages that our programs do not use, but that a bundler cannot leave out by itself. They were more than half of the
 * service's bundle, and the process parses all of it before it answers.
 */
const replacements: readonly Replacement[] = [
  // `z.locales` contains the messages of some 50 languages. Only English is used.
  {
    module: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/,
    text: `export { default as en } from './en.js';`,
  },
  // The entry also loads undici's fetch, caches, mocks and WebSocket. Importing another name from undici fails the build: add it here.
  {
    module: /[\\/]undici[\\/]index\.js$/,
    text: `import api from './lib/api/index.js';
import Dispatcher from './lib/dispatcher/dispatcher.js';
// As in the package's entry: gives all dispatchers the method \`request\`.
Object.assign(Dispatcher.prototype, api);
export { default as errors } from './lib/core/errors.js';
export { default as Pool } from './lib/dispatcher/pool.js';
export { parseSetCookie as parseCookie } from './lib/web/cookies/parse.js';`,
  },
  // `z.fromJSONSchema`.
  {
    module: /[\\/]zod[\\/]v4[\\/]classic[\\/]from-json-schema\.js$/,
    text: `export const fromJSONSchema = () => {
  throw new Error('Bundles contain no z.fromJSONSchema. Include it in server/build/left-out.ts.');
};`,
  },
  // Fastify compares its version with that of plugins, and loads all of semver for it.
  {
    module: /[\\/]semver[\\/]index\.js$/,
    text: `module.exports = {
  satisfies: require('./functions/satisfies'),
  gt: require('./functions/gt'),
  coerce: require('./functions/coerce'),
};`,
  },
  // Fastify's `inject` is for tests.
  {
    module: /[\\/]light-my-request[\\/]index\.js$/,
    text: `module.exports = () => {
  throw new Error('Bundles contain no inject. Send a request to the listener.');
};`,
  },
  // Fastify loads both compilers, with Ajv, as soon as it is created. Our routes have no JSON Schema.
  { module: /[\\/]@fastify[\\/]ajv-compiler[\\/]index\.js$/, text: noCompiler },
  { module: /[\\/]@fastify[\\/]fast-json-stringify-compiler[\\/]index\.js$/, text: noCompiler },
];

/** An esbuild plugin. Leaves out parts of packages that our programs do not use. */
export const leftOut: Plugin = {
  name: 'left-out',
  setup(build) {
    for (const { module, text } of replacements) {
      build.onLoad({ filter: module }, () => ({ contents: text, loader: 'js' }));
    }
    // prom-client loads the API of OpenTelemetry for exemplars, which the service does not use.
    build.onResolve({ filter: /^@opentelemetry\/api$/ }, ({ path, importer }) =>
      /[\\/]prom-client[\\/]/.test(importer) ? { path, namespace: 'left-out' } : undefined,
    );
    build.onLoad({ filter: /^/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
  },
};
