import type { AuthSession, Profile } from '@auth-bff/client';

/** The picture was refused. The message says why. */
export class PictureError extends Error {
  override name = 'PictureError';
}

type Problem = { detail?: string; reason?: string; issues?: Array<{ message: string }>; retryAfterSeconds?: number };

const messageOf = ({ issues, detail, reason, retryAfterSeconds }: Problem): string => {
  if (reason === 'rate_limited') return `Too many changes. Try again in ${retryAfterSeconds ?? 60} s.`;
  return issues?.[0]?.message ?? detail ?? 'The picture could not be changed. Try again.';
};

/** Sends the file itself. Null removes the picture. Only the pictureUrl of the answer is used: its times are texts. */
export const setPicture = async (session: AuthSession, file: File | null): Promise<Pick<Profile, 'pictureUrl'>> => {
  const headers = { 'x-csrf': '1' };
  const answer = await session.fetch(
    '/bff/account/picture',
    file === null ? { method: 'DELETE', headers } : { method: 'PUT', headers, body: file },
  );
  const body: unknown = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new PictureError(messageOf(body as Problem));
  return body as Pick<Profile, 'pictureUrl'>;
};
