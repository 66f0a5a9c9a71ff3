import { codeBlocksIn, readPage } from '../../support/docs/markdown.ts';
import { freePort } from '../../support/processes/run-process.ts';
import { hasCaddy, startCaddy } from '../../support/proxies/start-caddy.ts';
import { hasNginx, startBalancer } from '../../support/proxies/start-nginx.ts';

/** The code of docs/middleware.md in a language that contains a text. */
export const documentedCode = (language: string, text: string): string => {
  const blocks = codeBlocksIn(readPage('docs/middleware.md'));
  const code = blocks.find((block) => block.language === language && block.code.includes(text))?.code;
  if (code === undefined) throw new Error(`docs/middleware.md has no ${language} with ${text}.`);
  return code;
};

export type ProxyOptions = {
  /** The base URLs of the BFF and of the backend. */
  bff: string;
  backend: string;
  /** What the proxy requires. Default: as documented, `system=TTS`. */
  requirement?: string;
};

const atPorts = (code: string, { bff, backend, requirement = 'system=TTS' }: ProxyOptions): string =>
  code
    .replace('system=TTS', requirement)
    .replaceAll('127.0.0.1:4000', new URL(bff).host)
    .replaceAll('127.0.0.1:8010', new URL(backend).host);

const startNginxProxy = async (options: ProxyOptions) => {
  const address = `127.0.0.1:${await freePort()}`;
  const site = atPorts(documentedCode('nginx', 'auth_request'), options).replace('listen 8080', `listen ${address}`);
  return { url: `http://${address}`, ...(await startBalancer({ site })) };
};

const startCaddyProxy = async (options: ProxyOptions) => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const caddyfile = atPorts(documentedCode('caddyfile', 'forward_auth'), options).replace(':8080 {', `${url} {`);
  return { url, ...(await startCaddy({ caddyfile, url })) };
};

/** The proxies of docs/middleware.md that Debian has. */
export const proxies = [
  { name: 'nginx', isInstalled: hasNginx(), start: startNginxProxy },
  { name: 'Caddy', isInstalled: hasCaddy(), start: startCaddyProxy },
];
