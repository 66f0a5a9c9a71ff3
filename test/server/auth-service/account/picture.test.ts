import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAuthService, startAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import type { Subject } from '../../../../server/dev/auth-service/people/people.ts';
import { createAuthServiceClient } from '../../../../server/src/auth-service/client.ts';
import type { Picture } from '../../../../server/src/auth-service/account/account-calls.ts';
import { createResilience } from '../../../../server/src/auth-service/resilience/resilience.ts';
import {
  type CallOutcome,
  createTransport,
  type CreateDeadline,
} from '../../../../server/src/auth-service/transport.ts';
import { AppError } from '../../../../server/src/errors.ts';
import { apiKey, dialects, signingKey } from '../../../support/app/start-app.ts';
import { createDeadlines } from '../../../support/time/deadlines.ts';
import { failureOf } from './answering.ts';

/** A PNG of these dimensions: the service looks at the head only. */
const png = (width = 1, height = 1, size = 200): Buffer => {
  const bytes = Buffer.alloc(size, 1);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
};

async function* inChunks(bytes: Buffer, chunkSize = 64): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
}
const pictureOf = (bytes: Buffer, rest: Partial<Picture> = {}): Picture => ({
  contentType: 'image/png',
  size: bytes.length,
  body: inChunks(bytes),
  ...rest,
});

/** A client with its resilience, over a real transport. Deadlines pass only when the test says so. */
const connect = (
  service: EmbeddedAuthService,
  createDeadline: CreateDeadline = createDeadlines().create,
  monotonicNow?: () => number,
) => {
  const outcomes: CallOutcome['outcome'][] = [];
  const transport = createTransport({
    url: service.url,
    apiKey,
    createDeadline,
    onCall: ({ outcome }) => void outcomes.push(outcome),
  });
  const resilience = createResilience({
    transport,
    now: Date.now,
    createDeadline,
    sleep: () => Promise.resolve(),
    ...(monotonicNow && { monotonicNow }),
  });
  const addresses = { url: service.url, publicUrl: 'https://auth.example.com', resetHost: 'auth.example.com' };
  const { setPicture, profile } = createAuthServiceClient({ transport: resilience, now: Date.now, addresses });
  const as = async (subject: Subject) => ({ ...subject, accessToken: (await service.issue(subject)).access });
  const breaker = () => [...resilience.breakerStates()];
  return { setPicture, profile, as, outcomes, breaker, [Symbol.asyncDispose]: () => transport.close() };
};

describe.each(dialects)('a picture in the %s dialect', (dialect) => {
  let service: EmbeddedAuthService;
  beforeAll(async () => {
    service = await startAuthService({ dialect, signingKey, apiKey });
  });
  afterAll(() => service.close());

  it.each([
    { type: 'staff', id: 123 },
    { type: 'employee', id: 1 },
  ] as const)('is streamed to the service for $type, shown on the public address, and removed', async (subject) => {
    await using client = connect(service);
    const caller = await client.as(subject);
    service.resetCalls();
    const bytes = png(10, 10, 5_000);
    const { pictureUrl, ...profile } = await client.setPicture(pictureOf(bytes), caller);
    expect(profile).toMatchObject(subject);
    expect(pictureUrl).toMatch(/^https:\/\/auth\.example\.com\/media\/\w+\/\w+\.png$/);
    const served = await fetch(`${service.url}${new URL(pictureUrl ?? '').pathname}`);
    expect(served.headers.get('content-type')).toBe('image/png');
    expect(Buffer.from(await served.arrayBuffer()).equals(bytes)).toBe(true);
    const [{ headers, endpoint } = {}] = service.calls;
    expect(endpoint).toBe(`${subject.type}-profile-update`);
    expect(headers).toMatchObject({
      'content-length': expect.stringMatching(/^\d+$/),
      'content-type': expect.stringMatching(/^multipart\/form-data; boundary=/),
    });
    expect(headers?.['transfer-encoding']).toBeUndefined();
    expect(await client.profile(caller)).toMatchObject({ pictureUrl });
    expect(await client.setPicture(null, caller)).toMatchObject({ pictureUrl: null });
    expect(await client.profile(caller)).toMatchObject({ pictureUrl: null });
  });

  it('that the service refuses is an issue at picture', async () => {
    await using client = connect(service);
    const caller = await client.as({ type: 'staff', id: 123 });
    const text = Buffer.from('This text is not an image, whatever its type says.');
    const rows: Array<[Buffer, string]> = [
      [png(2_000, 10), 'Invalid image file.'],
      [text, 'Upload a valid image. The file you uploaded was either not an image or a corrupted image.'],
      [png(1, 1, 2_200_000), 'Profile picture file size must be less than 2MB.'],
    ];
    for (const [bytes, message] of rows) {
      // oxlint-disable-next-line no-await-in-loop -- the pictures belong to one person
      expect(
        await failureOf(client.setPicture(pictureOf(bytes, { body: inChunks(bytes, 64_000) }), caller)),
      ).toMatchObject({
        reason: 'invalid_input',
        issues: [{ path: 'picture', message }],
      });
    }
  });

  it('that a proxy finds too large is an issue at picture', async () => {
    await using client = connect(service);
    service.fault('staff-profile-update', { kind: 'status', status: 413, body: '<h1>Too Large</h1>', times: 1 });
    const call = client.setPicture(pictureOf(png()), await client.as({ type: 'staff', id: 123 }));
    expect(await failureOf(call)).toMatchObject({ reason: 'invalid_input', issues: [{ path: 'picture' }] });
  });
});

describe('an upload', () => {
  const staff = { type: 'staff', id: 123 } as const;

  it('is not retried when the service fails', async () => {
    await using service = await startAuthService({ signingKey, apiKey });
    await using client = connect(service);
    service.fault('staff-profile-update', { kind: 'status', status: 503 });
    const call = client.setPicture(pictureOf(png()), await client.as(staff));
    expect(await failureOf(call)).toMatchObject({ reason: 'auth_service_unavailable' });
    expect(service.count('staff-profile-update')).toBe(1);
    expect(client.outcomes).toEqual(['unavailable']);
  });

  it('that breaks, ends early or is too long counts as abandoned, however often, and opens no breaker', async () => {
    await using service = await startAuthService({ signingKey, apiKey });
    await using client = connect(service);
    const caller = await client.as(staff);
    const bytes = png();
    async function* broken(error: Error): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 50);
      throw error;
    }
    const tooLarge = new AppError('payload_too_large', { message: 'At most 2 MB.' });
    const incomplete = { reason: 'invalid_input', message: 'The upload was not completed. Send the file again.' };
    const rows: Array<[Picture, object]> = [
      [pictureOf(bytes, { body: broken(new Error('the client is gone')) }), incomplete],
      [pictureOf(bytes, { body: broken(tooLarge) }), { reason: 'payload_too_large', message: 'At most 2 MB.' }],
      [pictureOf(bytes, { size: 100 }), incomplete],
      ...Array.from({ length: 12 }, (): [Picture, object] => [pictureOf(bytes, { size: 300 }), incomplete]),
    ];
    for (const [picture, expected] of rows) {
      // oxlint-disable-next-line no-await-in-loop -- one upload after the other
      expect(await failureOf(client.setPicture(picture, caller))).toMatchObject(expected);
    }
    expect(client.outcomes).toEqual(rows.map(() => 'abandoned'));
    expect(client.breaker()).toEqual([['staff-picture', 'closed']]);
    expect(await client.setPicture(pictureOf(bytes), caller)).toMatchObject({ id: 123 });
  });

  it('that the client does not continue until the deadline counts as abandoned, and one that the service does not answer as its failure', async () => {
    await using service = await startAuthService({ signingKey, apiKey });
    const deadlines = createDeadlines();
    await using client = connect(service, deadlines.create);
    const caller = await client.as(staff);
    const bytes = png();
    let reached: () => void = () => {};
    const stalled = new Promise<void>((resolve) => (reached = resolve));
    async function* stalling(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 50);
      reached();
      await new Promise(() => {});
    }
    const slow = failureOf(client.setPicture(pictureOf(bytes, { body: stalling() }), caller));
    await stalled;
    deadlines.pass();
    expect(await slow).toMatchObject({ reason: 'invalid_input' });
    service.fault('staff-profile-update', { kind: 'hang' });
    const unanswered = failureOf(client.setPicture(pictureOf(bytes), caller));
    await expect.poll(() => service.calls.at(-1)?.body.length ?? 0).toBeGreaterThan(200);
    deadlines.pass();
    expect(await unanswered).toMatchObject({ reason: 'auth_service_unavailable' });
    expect(client.outcomes).toEqual(['abandoned', 'unavailable']);
  });

  it('that breaks does not close the breaker of a service that fails', async () => {
    await using service = await startAuthService({ signingKey, apiKey });
    let nowMs = 0;
    await using client = connect(service, createDeadlines().create, () => nowMs);
    service.fault('staff-profile-update', { kind: 'status', status: 503 });
    for (const id of [123, 2, 3, 4, 6, 11, 12, 15, 16, 17, 20, 24]) {
      // oxlint-disable-next-line no-await-in-loop -- failures in a row
      await failureOf(client.setPicture(pictureOf(png()), await client.as({ type: 'staff', id })));
    }
    expect(client.breaker()).toEqual([['staff-picture', 'open']]);
    nowMs += 60_000;
    const tooShort = pictureOf(png(), { size: 300 });
    expect(await failureOf(client.setPicture(tooShort, await client.as(staff)))).toMatchObject({
      reason: 'invalid_input',
    });
    expect(client.breaker()).toEqual([['staff-picture', 'half_open']]);
  });
});
