import type { AuthSession, Profile } from '@auth-bff/client';

/** The picture was refused. The message says why. */
export class PictureError extends Error {
  override name = 'PictureError';
  /** Whole seconds to wait before the next attempt. Null: waiting does not help. */
  readonly waitSeconds: number | null;

  constructor(message: string, waitSeconds: number | null) {
    super(message);
    this.waitSeconds = waitSeconds;
  }
}

type Problem = { detail?: string; reason?: string; issues?: Array<{ message: string }>; retryAfterSeconds?: number };

const toError = ({ issues, detail, reason, retryAfterSeconds }: Problem, status: number): PictureError => {
  if (status === 429 || reason === 'rate_limited')
    return new PictureError('Too many changes.', retryAfterSeconds ?? 60);
  if (status === 503) return new PictureError('The Auth Service is unavailable.', retryAfterSeconds ?? 5);
  return new PictureError(issues?.[0]?.message ?? detail ?? 'The picture could not be changed. Try again.', null);
};

/** Sends the file itself. Null removes the picture. Only the pictureUrl of the answer is used: its times are texts. */
export const setPicture = async (session: AuthSession, file: File | null): Promise<Pick<Profile, 'pictureUrl'>> => {
  const headers = { 'x-csrf': '1' };
  const answer = await session.fetch(
    '/bff/account/picture',
    file === null ? { method: 'DELETE', headers } : { method: 'PUT', headers, body: file },
  );
  const body: unknown = await answer.json().catch(() => ({}));
  if (!answer.ok) throw toError(body as Problem, answer.status);
  return body as Pick<Profile, 'pictureUrl'>;
};
