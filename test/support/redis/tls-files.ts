import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let isThere: boolean | null = null;

/** Whether openssl is installed, which creates the certificates. Without it, tests of TLS are skipped, or fail if REQUIRE_REDIS=1. */
export const hasOpenssl = (): boolean => {
  isThere ??= spawnSync('openssl', ['version']).status === 0;
  if (isThere) return true;
  if (process.env.REQUIRE_REDIS === '1') throw new Error('REQUIRE_REDIS=1 is set, but openssl is not installed.');
  process.stderr.write(
    'openssl is not installed: tests of TLS to Redis are skipped (Debian: apt-get install openssl).\n',
  );
  return false;
};

const openssl = (...args: string[]) => {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
};

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

/** Certificates in a temporary folder: an authority, a server and a client of it, and a client of another authority. */
export const createTlsFiles = () => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-tls-'));
  const pathOf = (name: string) => join(folder, name);
  const createAuthority = (name: string) =>
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      pathOf(`${name}.key`),
      '-out',
      pathOf(`${name}.crt`),
    );
  const create = (name: string, authority: string) => {
    const extensions = pathOf(`${name}.ext`);
    writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    openssl(
      'req',
      ...newKey.slice(0, -2),
      '-subj',
      `/CN=${name}`,
      '-keyout',
      pathOf(`${name}.key`),
      '-out',
      pathOf(`${name}.csr`),
    );
    const signing = ['-extfile', extensions, '-CAcreateserial', '-CA', pathOf(`${authority}.crt`)];
    const signed = ['-CAkey', pathOf(`${authority}.key`), '-out', pathOf(`${name}.crt`)];
    openssl('x509', '-req', '-in', pathOf(`${name}.csr`), '-days', '2', ...signing, ...signed);
  };
  for (const authority of ['ca', 'other-ca']) createAuthority(authority);
  create('server', 'ca');
  create('client', 'ca');
  create('stranger', 'other-ca');
  return {
    pathOf,
    /** Settings of a server that accepts clients of the authority only. */
    serverArgs: [
      '--tls-cert-file',
      pathOf('server.crt'),
      '--tls-key-file',
      pathOf('server.key'),
      '--tls-ca-cert-file',
      pathOf('ca.crt'),
      '--tls-auth-clients',
      'yes',
      '--tls-replication',
      'yes',
    ],
    /** The query of REDIS_URL for a client. */
    query: (client = 'client') =>
      `ca=${pathOf('ca.crt')}&cert=${pathOf(`${client}.crt`)}&key=${pathOf(`${client}.key`)}`,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
};

export type TlsFiles = ReturnType<typeof createTlsFiles>;
