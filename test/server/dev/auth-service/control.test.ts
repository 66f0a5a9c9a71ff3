import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import { sendRequest, start } from './send-request.ts';

let service: EmbeddedAuthService;
const control = (path: string) => `${service.controlUrl}${path}`;
const put = (target: string, body: unknown) => sendRequest(control(`/faults/${target}`), { method: 'PUT', json: body });

const status = async () => (await sendRequest(`${service.url}/api/me/`)).status;

beforeAll(async () => {
  service = await start({ controlPort: 0 });
});
afterEach(() => {
  service.clearFaults();
  service.resetCalls();
});
afterAll(() => service.close());

describe('the control API', () => {
  it('the control API listens on loopback, shows help at / and does not count its own requests', async () => {
    expect(service.controlUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const answer = await sendRequest(control('/'));
    expect([answer.status, answer.type]).toEqual([200, 'text/plain; charset=utf-8']);
    for (const word of ['GET    /calls', 'round-robin', '{"kind":"latency","ms":2000}']) {
      expect(answer.text).toContain(word);
    }
    expect(service.count()).toBe(0);
  });

  it('the control API shows request counts by endpoint and in total, and resets them', async () => {
    await sendRequest(`${service.url}/api/me/`);
    await sendRequest(`${service.url}/api/me/`);
    await sendRequest(`${service.url}/nowhere/`);
    const counted = { total: 3, endpoints: { me: 2, unknown: 1 } };
    expect(await sendRequest(control('/calls'))).toMatchObject({ status: 200, body: counted });
    await sendRequest(control('/calls'), { method: 'DELETE' });
    expect((await sendRequest(control('/calls'))).body).toEqual({ total: 0, endpoints: {} });
    expect(service.count()).toBe(0);
  });

  it.each(['me', '*', '%2A'])('the control API sets and clears a fault for %s', async (target) => {
    expect(await put(target, { kind: 'status', status: 503, times: 1 })).toMatchObject({ status: 200 });
    expect([await status(), await status()]).toEqual([503, 404]);
    await put(target, { kind: 'status', status: 503 });
    await sendRequest(control('/faults'), { method: 'DELETE' });
    expect(await status()).toBe(404);
    await put(target, { kind: 'status', status: 503 });
    await sendRequest(control(`/faults/${target}`), { method: 'DELETE' });
    expect(await status()).toBe(404);
  });

  it.each([
    { kind: 'latency', ms: 5 },
    { kind: 'status', status: 429, body: 'x', contentType: 'text/plain', headers: { 'retry-after': '1' } },
    { kind: 'hang' },
    { kind: 'cut', afterBytes: 3 },
    { kind: 'reset' },
    { kind: 'garbage' },
    { kind: 'drip', bytesPerSecond: 0.5 },
    { kind: 'body', body: '' },
    { kind: 'huge', bytes: 14 },
  ])('the control API accepts the fault %o', async (fault) => {
    const answer = await put('user', { ...fault, times: 2 });
    expect([answer.status, answer.body]).toEqual([200, { endpoint: 'user', fault: { ...fault, times: 2 } }]);
  });

  it.each([
    ['user', { kind: 'latency' }, 'ms is nothing; it should be a whole number of milliseconds.'],
    ['user', { kind: 'latency', ms: -1 }, 'ms is -1; it should be a whole number of milliseconds.'],
    ['user', { kind: 'status', status: '503' }, 'status is "503"; it should be a whole number from 200 to 599.'],
    ['user', { kind: 'status', status: 503, headers: { a: 1 } }, 'headers is {"a":1}; it should be an object of'],
    ['user', { kind: 'hang', times: 0 }, 'times is 0; it should be a whole number from 1.'],
    ['user', { kind: 'hang', ms: 5 }, 'A hang fault has no ms; it may have: times.'],
    ['user', { kind: 'transform' }, 'kind is "transform"; it should be one of: latency, status,'],
    ['user', { kind: 'hold' }, 'kind is "hold"; it should be one of: latency, status,'],
    ['user', {}, 'kind is nothing; it should be one of: latency, status,'],
    ['user', [], 'The body should be a fault as JSON, such as'],
    ['usr', { kind: 'hang' }, 'There is no endpoint "usr". Use * or one of: user, users,'],
  ])('the control API rejects a fault for %s with %o and names the expected value', async (target, fault, error) => {
    const answer = await put(target, fault);
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(error) } });
    expect(await sendRequest(`${service.url}/api/v1/tts/user-info/1/`)).toMatchObject({ status: 401 });
  });

  it('the control API rejects invalid JSON and unknown paths', async () => {
    const broken = await fetch(control('/faults/user'), { method: 'PUT', body: '{' });
    expect(broken.status).toBe(400);
    const nowhere = await sendRequest(control('/fault'));
    expect(nowhere).toMatchObject({ status: 404, body: { error: expect.stringContaining('GET / lists') } });
  });
});
