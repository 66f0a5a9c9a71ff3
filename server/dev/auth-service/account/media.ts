import { randomBytes } from 'node:crypto';
import { type AuthResponse, html } from '../http-messages.ts';
import { readImage } from './image.ts';

/** A PNG of one grey pixel, which stands for the pictures of the seeded people. */
const greyPixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);
const seeded = /^\/media\/(profile_pics|employees)\/\d+\.png$/;

/** Pictures that people have uploaded, by path. */
export const createMedia = () => {
  const files = new Map<string, Buffer>();
  return {
    /** Keeps the file and returns its path. */
    save(folder: 'profile_pics' | 'employees', bytes: Buffer): string {
      const extension = readImage(bytes)?.type.slice('image/'.length) ?? 'bin';
      const path = `/media/${folder}/${randomBytes(6).toString('hex')}.${extension}`;
      files.set(path, bytes);
      return path;
    },
    answer(path: string): AuthResponse {
      const bytes = files.get(path) ?? (seeded.test(path) ? greyPixel : undefined);
      if (bytes === undefined) return html(404, 'Not Found');
      const type = readImage(bytes)?.type ?? 'application/octet-stream';
      return { status: 200, body: bytes, headers: { 'content-type': type } };
    },
  };
};

export type Media = ReturnType<typeof createMedia>;
