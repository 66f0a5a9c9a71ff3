import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { freePort, root } from '../support/processes/run-process.ts';
import { serve } from '../support/app/serve.ts';
import { hasNginx, startBalancer } from '../support/proxies/start-nginx.ts';

/** Starts nginx with deploy/nginx.conf in front of two given replicas, on a free port. */
const balance = async (first: string, second = first) => {
  const address = `127.0.0.1:${await freePort()}`;
  const site = readFileSync(join(root, 'deploy/nginx.conf'), 'utf8')
    .replace('bff-1:4000', new URL(first).host)
    .replace('bff-2:4000', new URL(second).host)
    .replace('listen 8080', `listen ${address}`);
  return { ...(await startBalancer({ site })), address, url: `http://${address}/` };
};

describe.skipIf(!hasNginx())('deploy/nginx.conf', () => {
  it('replaces or extends the forwarding headers that a caller forges', async () => {
    await using replica = await serve((request, response) => response.end(JSON.stringify(request.headers)));
    await using balancer = await balance(replica.url);
    const headers = {
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
    };
    const answer = await fetch(balancer.url, { headers });
    expect(await answer.json()).toMatchObject({
      host: balancer.address,
      'x-forwarded-for': '203.0.113.9, 127.0.0.1',
      'x-forwarded-host': balancer.address,
      'x-forwarded-proto': 'http',
    });
  });

  it.each(['api/v1/users/password/reset', 'employees/reset-password/'])(
    'forwards the link of a reset mail with its token, and all headers: /%s',
    async (path) => {
      await using replica = await serve(({ url, headers }, response) =>
        response.end(JSON.stringify([url, headers.host])),
      );
      await using balancer = await balance(replica.url);
      const answer = await fetch(`${balancer.url}${path}?token=a-token-1`);
      expect(await answer.json()).toEqual([`/${path}?token=a-token-1`, balancer.address]);
    },
  );

  it('passes two cookies with tokens of 4 kB each in one response', async () => {
    const token = 'a'.repeat(4_000);
    await using replica = await serve((_, response) => {
      response.setHeader('set-cookie', [`access_token=${token}`, `refresh_token=${token}`]).end();
    });
    await using balancer = await balance(replica.url);
    const answer = await fetch(balancer.url);
    expect(answer.headers.getSetCookie()).toHaveLength(2);
  });

  it.each([
    ['POST', 502, ['breaking POST']],
    ['GET', 200, ['breaking GET', 'sound GET']],
  ])('answers a %s with %i if its replica closes the connection', async (method, status, expected) => {
    const seen: string[] = [];
    await using breaking = await serve((request) => {
      seen.push(`breaking ${request.method}`);
      request.socket.destroy();
    });
    await using sound = await serve((request, response) => {
      seen.push(`sound ${request.method}`);
      response.end();
    });
    await using balancer = await balance(breaking.url, sound.url);
    const answer = await fetch(balancer.url, { method });
    expect([answer.status, seen]).toEqual([status, expected]);
  });

  it('takes a body of 2.5 MB for the picture, and of 1 MB anywhere else', async () => {
    const received: Array<[method: string | undefined, url: string | undefined, bytes: number, host: string]> = [];
    await using replica = await serve((request, response) => {
      void buffer(request).then(({ length }) => {
        received.push([request.method, request.url, length, request.headers['x-forwarded-host'] as string]);
        response.end();
      });
    });
    await using balancer = await balance(replica.url);
    const put = async (path: string, bytes: number) =>
      (await fetch(`${balancer.url}${path}`, { method: 'PUT', body: Buffer.alloc(bytes) })).status;
    const [picture, megabyte] = ['bff/account/picture', 1024 * 1024];
    const limit = 2_500 * 1024;
    expect(await put(picture, limit)).toBe(200);
    expect(await put(picture, limit + 1)).toBe(413);
    for (const path of ['', 'trpc/account.profile', 'bff/account/pictures', `${picture}/`, 'bff/api/session']) {
      expect([path, await put(path, megabyte), await put(path, megabyte + 1)]).toEqual([path, 200, 413]);
    }
    expect(received[0]).toEqual(['PUT', `/${picture}`, limit, balancer.address]);
    expect(received).toHaveLength(6);
  });

  it('sends a POST to the other replica if one replica refuses the connection', async () => {
    await using replica = await serve((_, response) => response.end());
    await using balancer = await balance(`http://127.0.0.1:${await freePort()}`, replica.url);
    expect((await fetch(balancer.url, { method: 'POST' })).status).toBe(200);
  });
});
