import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { maxPictureBytes } from '@auth-bff/shared';
import { pictureTypeOf, signatureBytes } from '../../account/picture-type.ts';
import { invalidInput } from '../../api/error-mapping.ts';
import type { Picture } from '../../auth-service/account/account-calls.ts';
import { uploadNotCompleted } from '../../auth-service/upload.ts';
import { AppError, isAppError } from '../../errors.ts';

const invalid = (message: string): AppError => invalidInput([{ path: 'picture', message }]);

const tooLarge = (): AppError =>
  new AppError('payload_too_large', { message: `The picture has more than ${maxPictureBytes} bytes (2 MB).` });

const notAnImage = ({ headers }: IncomingMessage): AppError =>
  headers['content-type']?.startsWith('multipart/') === true
    ? invalid('Expected the image itself as the body of the request, not a form')
    : invalid('Expected a PNG, JPEG, GIF or WebP image');

/** Bytes by `Content-Length`. Null: unknown. */
const announcedSize = ({ headers }: IncomingMessage): number | null => {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  if (length !== undefined) return Number(length);
  return encoding === undefined ? 0 : null;
};

/** Reads until the type can be told, or to the end of a shorter body. */
const readFirst = async (chunks: AsyncIterator<Buffer>): Promise<Buffer> => {
  const read: Buffer[] = [];
  for (let bytes = 0; bytes < signatureBytes; ) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    read.push(value);
    bytes += value.length;
  }
  return Buffer.concat(read);
};

async function* chunksFrom(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** The Auth Service needs the size in advance, so a body without one is held until its end. */
const readWhole = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxPictureBytes) throw tooLarge();
    read.push(chunk);
  }
  return Buffer.concat(read);
};

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

const toPicture = async (request: IncomingMessage, source: AsyncIterable<Buffer>): Promise<Picture> => {
  const size = announcedSize(request);
  if (size === 0) throw invalid('Expected an image, not an empty body');
  if (size !== null && size > maxPictureBytes) throw tooLarge();
  const chunks = source[Symbol.asyncIterator]();
  const first = await readFirst(chunks);
  const contentType = pictureTypeOf(first);
  if (contentType === null) throw notAnImage(request);
  const body = chunksFrom(first, chunks);
  if (size !== null) return { contentType, size, body };
  const whole = await readWhole(body);
  return { contentType, size: whole.length, body: only(whole) };
};

/**
 * Passes the image in the body of a request to `use`, as it arrives. Throws `invalid_input` and `payload_too_large`, before
 * `use` is called. If the client leaves, the body that `use` reads fails: a part of an image never looks like a whole one.
 * What nobody has read is discarded, so that the client can read the response, and the connection serves its next request.
 */
export const withPicture = async <Result>(
  request: IncomingMessage,
  use: (picture: Picture) => Promise<Result>,
): Promise<Result> => {
  // The request itself must not be destroyed, as an iterator over it would: the response uses the same connection.
  const source = new PassThrough();
  const onError = (error: Error): void => void source.destroy(error);
  source.on('error', () => {});
  request.once('error', onError).pipe(source);
  try {
    const picture = await toPicture(request, source).catch((error: unknown) => {
      // The client left before the type was known.
      throw isAppError(error) ? error : uploadNotCompleted(error);
    });
    return await use(picture);
  } finally {
    request
      .unpipe(source)
      .off('error', onError)
      .on('error', () => {});
    source.destroy();
    request.resume();
  }
};
