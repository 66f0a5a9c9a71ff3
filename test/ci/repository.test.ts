import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { root } from '../support/processes/run-process.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const has = (path: string) => existsSync(join(root, path));

const Manifest = z.object({
  name: z.string(),
  engines: z.object({ node: z.string() }).optional(),
  workspaces: z.array(z.string()).default([]),
  scripts: z.record(z.string(), z.string()).default({}),
});
const manifestOf = (folder: string) => Manifest.parse(JSON.parse(read(join(folder, 'package.json'))));
const { scripts, workspaces } = manifestOf('.');

/** The faults of shell commands: npm scripts and files that the repository does not have. */
const faultsOf = (commands: string): string[] => {
  const names = [...commands.matchAll(/\bnpm (?:run )?([\w:]+)/g)]
    .map(([command, name = '']) => ({ command, name }))
    .filter(({ command, name }) => command.includes(' run ') || name === 'test')
    .map(({ name }) => name);
  const files = [...commands.matchAll(/(?:\bnode |--project |--file |^|\s)(\.?[\w-]+(?:\/[\w.-]+)+|compose\.yaml)/gm)]
    .map(([, file = '']) => file)
    .filter((file) => !file.startsWith('application/'));
  return [
    ...names.filter((name) => scripts[name] === undefined).map((name) => `npm run ${name}`),
    ...files.filter((file) => !has(file)),
  ];
};

describe('.github/workflows/ci.yml', () => {
  const Workflow = z.object({
    jobs: z.record(
      z.string(),
      z.object({
        strategy: z.object({ matrix: z.object({ node: z.array(z.string()) }) }).optional(),
        steps: z.array(z.object({ run: z.string().optional(), uses: z.string().optional() })),
      }),
    ),
  });
  const { jobs } = Workflow.parse(parse(read('.github/workflows/ci.yml')));
  const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = [] }) => run));

  it('runs .ci/run on Node 20 and 24', () => {
    expect(jobs.checks?.steps.map(({ run }) => run)).toContain('.ci/run');
    expect(jobs.checks?.strategy?.matrix.node).toEqual(['20', '24']);
  });

  it('runs only scripts and files that exist', () => {
    expect(faultsOf(commands.join('\n'))).toEqual([]);
  });

  it('builds every target of compose.yaml, starts the system and checks its health', () => {
    const targets = [...read('compose.yaml').matchAll(/^\s+target: (\S+)$/gm)].map(([, target]) => target);
    const built = commands.flatMap((command) => [...command.matchAll(/--target (\S+)/g)].map(([, target]) => target));
    expect(new Set(built)).toEqual(new Set(targets));
    const tags = [...read('compose.yaml').matchAll(/^\s+image: (auth-bff\S*)$/gm)].map(([, tag]) => tag);
    const tagged = commands.flatMap((command) => [...command.matchAll(/--tag (\S+)/g)].map(([, tag]) => tag));
    expect(new Set(tagged)).toEqual(new Set(tags));
    expect(commands.join('\n')).toMatch(/compose .* up .*--wait[^]*\/health\/ready/);
  });
});

describe('.ci/run', () => {
  it('runs only scripts and files that exist', () => {
    expect(faultsOf(read('.ci/run').replace(/^missing=[^]*?^export.*$/m, ''))).toEqual([]);
  });

  it.each([
    'npm ci && npm test',
    'test:repository',
    'check',
    'build',
    'bundle',
    'test:packed',
    'test:browser',
    'test:shipping',
    'test:built',
  ])('runs %s', (step) => {
    expect(read('.ci/run')).toMatch(new RegExp(`^(npm run )?${step}$`, 'm'));
  });
});

describe('.github/dependabot.yml', () => {
  it('names folders that have a file of their ecosystem', () => {
    const Dependabot = z.object({
      version: z.literal(2),
      updates: z.array(z.object({ 'package-ecosystem': z.string(), directory: z.string() })),
    });
    const { updates } = Dependabot.parse(parse(read('.github/dependabot.yml')));
    const fileOf: Record<string, string> = {
      npm: 'package-lock.json',
      docker: 'Dockerfile',
      'github-actions': '.github/workflows',
    };
    expect(updates.map((update) => update['package-ecosystem'])).toEqual(Object.keys(fileOf));
    const missing = updates.filter(
      (update) => !has(join(update.directory, fileOf[update['package-ecosystem']] ?? '-')),
    );
    expect(missing).toEqual([]);
  });
});

describe('.changeset', () => {
  it('groups the packages of this repository', () => {
    const { fixed, baseBranch } = z
      .object({ fixed: z.array(z.array(z.string())), baseBranch: z.string() })
      .parse(JSON.parse(read('.changeset/config.json')));
    expect(fixed).toEqual([['@auth-bff/*']]);
    expect(baseBranch).toBe('main');
    expect(workspaces.map((folder) => manifestOf(folder).name)).toEqual(
      workspaces.map(() => expect.stringMatching(/^@auth-bff\//)),
    );
  });
});

describe('npm scripts', () => {
  it('name the compiler by its path: node_modules/.bin/tsc is TypeScript 6, which takes three times as long', () => {
    const all = ['.', ...workspaces].flatMap((folder) => Object.values(manifestOf(folder).scripts));
    expect(all.some((script) => script.includes('node_modules/typescript/bin/tsc'))).toBe(true);
    expect(all.filter((script) => /(?<!\/)\btsc\b/.test(script))).toEqual([]);
  });
});

describe('versions of Node', () => {
  it('are 24 for development and images, and 20.19 or later for the packages', () => {
    expect(read('.nvmrc').trim()).toBe('24');
    expect(read('Dockerfile')).toContain('ARG NODE_IMAGE=node:24-slim\n');
    const engines = ['.', ...workspaces].flatMap((folder) => manifestOf(folder).engines?.node ?? []);
    expect(new Set(engines)).toEqual(new Set(['>=20.19']));
  });
});

describe('.github/CODEOWNERS', () => {
  it('names folders that exist', () => {
    const paths = [...read('.github/CODEOWNERS').matchAll(/^\/(\S+)/gm)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !has(path))).toEqual([]);
  });
});
