import { describe, expect, it } from 'vitest';
import { askRaw } from '../../../support/app/raw-request.ts';
import { startApp } from '../../../support/app/start-app.ts';

describe('/bff/openapi.json', () => {
  it('is readable from every origin, without credentials, and by conditional requests', async () => {
    await using app = await startApp({ env: { CORS_ORIGINS: 'https://tts.example.org' } });
    for (const origin of ['https://tts.example.org', 'https://other.example']) {
      const { status, headers, body } = await askRaw(app.url, { target: '/bff/openapi.json', headers: { origin } });
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'cache-control': 'public, max-age=300',
        'content-type': 'application/json; charset=utf-8',
      });
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
      expect(JSON.parse(body)).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/bff/api' }] });
      const again = await askRaw(app.url, {
        target: '/bff/openapi.json',
        headers: { origin, 'if-none-match': headers.etag ?? '' },
      });
      expect([again.status, again.body, again.headers['access-control-allow-origin']]).toEqual([304, '', '*']);
    }
  });
});

describe('/bff/docs', () => {
  it('does not exist unless API_DOCS is true', async () => {
    await using app = await startApp();
    for (const target of ['/bff/docs', '/bff/docs/', '/bff/docs/start.js', '/bff/docs/swagger-ui-bundle.js']) {
      expect((await askRaw(app.url, { target })).status).toBe(404);
    }
  });

  it('is a page whose policy admits only files of the BFF', async () => {
    await using app = await startApp({ env: { API_DOCS: 'true' } });
    const { status, headers, body } = await askRaw(app.url, { target: '/bff/docs' });
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;/);
    expect(policy).not.toMatch(/unsafe|https?:/);
    expect(body).not.toMatch(/https?:|<style|<script>|\son\w+=|style=/);
    const named = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
    expect(named).toHaveLength(4);
    for (const target of named) {
      const file = await askRaw(app.url, { target });
      expect([file.status, file.headers['x-content-type-options']]).toEqual([200, 'nosniff']);
    }
    expect((await askRaw(app.url, { target: '/bff/docs/../../package.json' })).status).toBe(404);
  });
});
