import { errors } from 'undici';
import { AppError, isAppError } from '../errors.ts';

/** The caller did not complete the upload. It says nothing about the Auth Service. */
export class UploadError extends AppError {}

/** The body broke off. */
export const uploadNotCompleted = (cause: unknown): UploadError =>
  new UploadError('invalid_input', { cause, message: 'The upload was not completed. Send the file again.' });

export type UploadProgress = {
  /** The transport waits for more bytes of the caller. */
  isWaiting: boolean;
  /** The error of the body, if it has failed. */
  uploadFailure?: { error: unknown };
};

/**
 * The same chunks; `progress` tells where the upload stands. Not a generator: streams call `throw` on those to destroy
 * them, which would look like a failure of the body.
 */
export const trackUpload = (
  body: AsyncIterable<Uint8Array>,
  progress: UploadProgress,
): AsyncIterable<Uint8Array> & AsyncIterator<Uint8Array> => {
  const chunks = body[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      progress.isWaiting = true;
      try {
        const chunk = await chunks.next();
        progress.isWaiting = false;
        return chunk;
      } catch (error) {
        progress.uploadFailure = { error };
        throw error;
      }
    },
    async return() {
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
};

/** The error of an upload that failed on the caller's side: broken, too slow, or of another size. Null: it did not. */
export const toUploadError = (cause: unknown, progress: UploadProgress): UploadError | null => {
  const { uploadFailure, isWaiting } = progress;
  // A connection that breaks meanwhile is a fault of the Auth Service: the caller still sends.
  const isTooSlow = isWaiting && cause instanceof Error && cause.name === 'TimeoutError';
  const isIncomplete = isTooSlow || cause instanceof errors.RequestContentLengthMismatchError;
  if (uploadFailure === undefined && !isIncomplete) return null;
  const reason = uploadFailure?.error;
  if (!isAppError(reason)) return uploadNotCompleted(cause);
  const { message, issues, retryAfterSeconds } = reason;
  return new UploadError(reason.reason, { cause, message, retryAfterSeconds, ...(issues && { issues }) });
};
