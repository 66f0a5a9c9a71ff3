import { randomUUID } from 'node:crypto';
import type { Picture } from './account-calls.ts';
import type { Upload } from '../transport.ts';

const extensions: Record<Picture['contentType'], string> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
};

async function* around(head: Buffer, { body }: Picture, tail: Buffer): AsyncGenerator<Uint8Array> {
  yield head;
  yield* body;
  yield tail;
}

/** The picture as the one field of a form (multipart/form-data, RFC 7578). The file name is ours, never the caller's. */
export const toPictureUpload = (picture: Picture): Upload => {
  const { contentType, size } = picture;
  const boundary = `auth-bff-${randomUUID()}`;
  const disposition = `form-data; name="profile_picture"; filename="picture.${extensions[contentType]}"`;
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: ${disposition}\r\nContent-Type: ${contentType}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    contentLength: head.length + size + tail.length,
    body: around(head, picture, tail),
  };
};
