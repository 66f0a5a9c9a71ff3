import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { root } from '../support/processes/run-process.ts';

const Service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  command: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.literal('service_healthy'), restart: z.boolean().optional() }))
    .default({}),
  healthcheck: z.strictObject({ test: z.array(z.string()), interval: z.string(), timeout: z.string() }).optional(),
  stop_grace_period: z.string().optional(),
  restart: z.literal('unless-stopped'),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
});

const Compose = z.strictObject({
  name: z.string(),
  'x-bff': z.unknown(),
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
});

export type Service = z.infer<typeof Service>;
export type Compose = z.infer<typeof Compose>;

/** Replaces `${NAME:-default}`. Throws for any other form of interpolation. */
const interpolate = (text: string, env: Record<string, string>): string => {
  const whole = text.replaceAll(
    /\$\{([A-Z_]+):-([^${}]*)\}/g,
    (_, name: string, fallback: string) => env[name] || fallback,
  );
  if (whole.includes('$')) throw new Error(`compose.yaml: cannot read ${text}`);
  return whole;
};

const interpolateAll = (value: unknown, env: Record<string, string>): unknown => {
  if (typeof value === 'string') return interpolate(value, env);
  if (Array.isArray(value)) return value.map((part) => interpolateAll(part, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, interpolateAll(part, env)]));
};

export const composeText = (): string => readFileSync(join(root, 'compose.yaml'), 'utf8');

/** Reads compose.yaml as `docker compose` does with the environment `env`. Throws for keys that the schema above does not list. */
export const readCompose = (env: Record<string, string> = {}): Compose =>
  Compose.parse(interpolateAll(parse(composeText()), env));

export const serviceOf = (compose: Compose, name: string): Service => {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`compose.yaml has no service ${name}.`);
  return service;
};
