import type { FastifyPluginAsync } from 'fastify';

/** Names a plugin for Fastify's errors. For a plugin without a name, Fastify searches all loaded modules at each start. */
export const namedPlugin = (name: string, plugin: FastifyPluginAsync): FastifyPluginAsync =>
  Object.assign(plugin, { [Symbol.for('fastify.display-name')]: name });
