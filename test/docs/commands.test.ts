import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTicketService } from '../../server/dev/tickets/ticket-service.ts';
import {
  type CodeBlock,
  codeBlocksIn,
  codeSpansIn,
  readPage,
  readPages,
  root,
  withoutCode,
} from '../support/docs/markdown.ts';
import { freePort } from '../support/processes/run-process.ts';
import { startApp, type TestApp } from '../support/app/start-app.ts';

const pages = readPages();
const blocks = pages.flatMap(codeBlocksIn);
const titleOf = ({ path, line }: CodeBlock): string => `${path}:${line}`;
const ofLanguage = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language));
const shell = ofLanguage('sh', 'bash');

/** The scripts of `npm run x`, `npm test` and `npm start` that a text names. `npm run -s x` is such a script, too. */
const scriptsIn = (text: string): string[] => [
  ...[...text.matchAll(/\bnpm run (?:-\S+ )*([\w:-]+)/g)].map(([, script = '']) => script),
  ...[...text.matchAll(/\bnpm (test|start)\b/g)].map(([, script = '']) => script),
];

const manifest = (path: string) =>
  JSON.parse(readFileSync(join(root, path), 'utf8')) as { scripts: Record<string, string> };

it('every npm script that the pages name is in package.json', () => {
  const { scripts } = manifest('package.json');
  const named = pages.flatMap(({ path, text }) =>
    [...codeSpansIn(withoutCode(text)), ...shell.filter((block) => block.path === path).map(({ code }) => code)]
      .flatMap(scriptsIn)
      .map((script) => ({ path, script })),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
});

it('every vitest project that the pages name is in vitest.config.ts', () => {
  const config = readFileSync(join(root, 'vitest.config.ts'), 'utf8');
  const named = pages.flatMap(({ text }) => [...text.matchAll(/--project (\w+)/g)].map(([, name = '']) => name));
  expect(named.filter((name) => !config.includes(`name: '${name}'`))).toEqual([]);
});

it.each(ofLanguage('json').map((block) => [titleOf(block), block.code] as const))(
  'the JSON of %s parses',
  (_, code) => {
    expect(() => JSON.parse(code) as unknown).not.toThrow();
  },
);

it.each(shell.map((block) => [titleOf(block), block.code] as const))(
  'the commands of %s are valid shell',
  (_, code) => {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: code, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  },
);

const hasCurl = spawnSync('curl', ['--version']).status === 0;

/** A curl command, and the status that the comment below it promises. */
type CurlStep = { command: string; status: string | undefined };

const curlStepsIn = (code: string): CurlStep[] => {
  const lines = code.replaceAll(/\\\n\s*/g, ' ').split('\n');
  return lines.flatMap((command, at) =>
    command.startsWith('curl ') ? [{ command, status: /^# (\d{3})$/.exec(lines[at + 1] ?? '')?.[1] }] : [],
  );
};

const curlBlocks = shell.filter(({ code }) => curlStepsIn(code).length > 0);

/** The service and the service account with which docs/services.md starts the development servers. */
const documentedServices = (): Record<string, string> => {
  const { text } = readPage('docs/services.md');
  const settings = [...text.matchAll(/\b(SERVICE_[A-Z_]+)=(?:'([^']+)'|(\S+))/g)];
  return Object.fromEntries(settings.map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']));
};

describe.skipIf(!hasCurl)('the curl commands', () => {
  let app: TestApp;
  let tickets: Awaited<ReturnType<typeof createTicketService>>;
  let folder: string;
  const addresses = new Map<string, string>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'auth-bff-docs-'));
    app = await startApp({ now: Date.now, authService: { controlPort: 0 }, env: documentedServices() });
    tickets = await createTicketService({ bffUrl: app.url, origins: [], seed: [], now: Date.now });
    addresses.set('http://localhost:4000', app.url);
    addresses.set('http://127.0.0.1:9464', await app.listenOps());
    addresses.set('http://localhost:8000', app.authService.url);
    addresses.set('http://localhost:8001', app.authService.controlUrl ?? '');
    addresses.set('http://localhost:8010', await tickets.listen({ host: '127.0.0.1', port: 0 }));
  });
  afterAll(async () => {
    await tickets.close();
    await app[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const run = async ({ command }: CurlStep): Promise<string> => {
    const here = [...addresses].reduce((text, [documented, actual]) => text.replaceAll(documented, actual), command);
    const script = here.replace(/^curl /, "curl -s -o /dev/null -w '%{http_code}' ");
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: folder });
    return stdout;
  };

  it.each(curlBlocks.map((block) => [titleOf(block), curlStepsIn(block.code)] as const))(
    'of %s answer with the documented status',
    async (_, steps) => {
      const statuses: string[] = [];
      for (const step of steps) statuses.push(await run(step));
      expect(statuses).toEqual(steps.map(({ status }) => status));
    },
  );
});

const hasNginx = spawnSync('nginx', ['-v']).status === 0;

it.skipIf(!hasNginx).each(ofLanguage('nginx').map((block) => [titleOf(block), block.code] as const))(
  'nginx accepts the configuration of %s',
  async (_, code) => {
    const folder = mkdtempSync(join(tmpdir(), 'auth-bff-nginx-'));
    try {
      mkdirSync(join(folder, 'temp'));
      const site = code.replace('listen 8080', `listen 127.0.0.1:${await freePort()}`);
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${folder}/temp/${name};`)
        .join(' ');
      const config = `pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${temporary}\n${site} }`;
      writeFileSync(join(folder, 'nginx.conf'), config);
      const { status, stderr } = spawnSync('nginx', ['-t', '-c', join(folder, 'nginx.conf')], { encoding: 'utf8' });
      expect(stderr).toContain('test is successful');
      expect(status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

it('every page with a relative command names a file that exists', () => {
  const named = shell.flatMap(({ path, code }) =>
    [...code.matchAll(/^(?:node|npx tsx) (?:--\S+ )*((?:test|server|client)\/\S+)/gm)].map(([, file = '']) => ({
      path,
      file,
    })),
  );
  expect(named.filter(({ file }) => !file.includes('/dist/') && !existsSync(join(root, file)))).toEqual([]);
});
