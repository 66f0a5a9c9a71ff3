import type { Profile } from '@auth-bff/client';
import { useAuthClient } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { FormMessage } from '../forms/form-message.tsx';
import { useWait } from '../forms/use-wait.ts';
import { PictureError, setPicture } from './picture-service.ts';
import { useProfileUpdate } from './use-profile.ts';

const types = 'image/png,image/jpeg,image/gif,image/webp';

/** A chosen file, with an address for its preview. */
type Chosen = { file: File; url: string };

const waitSecondsOf = (error: unknown): number | null => (error instanceof PictureError ? error.waitSeconds : null);

/** Shows, uploads and removes the picture. */
export const PictureCard = ({ profile }: { profile: Profile }) => {
  const { session } = useAuthClient();
  const { show } = useProfileUpdate();
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [isMissing, setIsMissing] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const choose = (file: File | undefined) => {
    setChosen(file === undefined ? null : { file, url: URL.createObjectURL(file) });
    setIsMissing(false);
  };
  useEffect(() => () => (chosen === null ? undefined : URL.revokeObjectURL(chosen.url)), [chosen]);
  const change = useMutation({
    mutationFn: (file: File | null) => setPicture(session, file),
    onSuccess: ({ pictureUrl }) => {
      show({ ...profile, pictureUrl });
      setChosen(null);
      if (input.current !== null) input.current.value = '';
      // The button that removed the picture goes away with it.
      if (pictureUrl === null) input.current?.focus();
    },
  });
  const wait = useWait(change, waitSecondsOf);
  const send = (file: File | null) => {
    if (!change.isPending && wait.seconds === 0) change.mutate(file);
  };
  const upload = () => {
    setIsMissing(chosen === null);
    if (chosen === null) input.current?.focus();
    else send(chosen.file);
  };
  const shown = chosen?.url ?? profile.pictureUrl;
  const success = change.data?.pictureUrl === null ? 'Your picture is removed.' : 'Your picture is saved.';
  const failure = wait.error ?? change.error;
  const error =
    failure === null || failure instanceof PictureError
      ? (failure?.message ?? '')
      : "Can't reach the server. Check your connection and try again.";
  return (
    <section className="card" aria-labelledby="picture-title">
      <header className="card-head">
        <h3 id="picture-title">Picture</h3>
      </header>
      <div className="form">
        <div className="picture">
          {shown === null ? (
            <span className="picture-frame" aria-hidden="true">
              {`${profile.firstName.charAt(0)}${profile.lastName.charAt(0)}`}
            </span>
          ) : (
            <img className="picture-frame" src={shown} alt={chosen === null ? 'Your picture' : 'Preview'} />
          )}
          <div className="field">
            <label htmlFor="picture-file">Choose a picture</label>
            <input
              id="picture-file"
              ref={input}
              type="file"
              accept={types}
              aria-invalid={isMissing}
              aria-describedby={isMissing ? 'picture-error picture-note' : 'picture-note'}
              onChange={(event) => {
                choose(event.target.files?.[0]);
                if (!change.isIdle) change.reset();
              }}
            />
            {isMissing ? (
              <p className="field-error" id="picture-error" role="alert">
                Choose a picture first.
              </p>
            ) : null}
            <p className="sub" id="picture-note">
              PNG, JPEG, GIF or WebP, up to 2 MB and 1024 × 1024 pixels.
            </p>
          </div>
        </div>
        <FormMessage error={error} wait={wait} success={change.isSuccess ? success : ''} />
        <div className="actions">
          {profile.pictureUrl === null ? null : (
            <button
              type="button"
              className="quiet"
              aria-busy={change.isPending}
              aria-disabled={wait.seconds > 0}
              onClick={() => send(null)}
            >
              Remove
            </button>
          )}
          <button
            type="button"
            className="primary"
            aria-busy={change.isPending}
            aria-disabled={wait.seconds > 0}
            onClick={upload}
          >
            {change.isPending ? 'Saving…' : 'Upload'}
          </button>
        </div>
      </div>
    </section>
  );
};
