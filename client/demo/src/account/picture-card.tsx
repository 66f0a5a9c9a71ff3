import type { Profile } from '@auth-bff/client';
import { useAuthClient } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Outcome } from './outcome.tsx';
import { PictureError, setPicture } from './picture-service.ts';
import { useProfileUpdate } from './use-profile.ts';

const types = 'image/png,image/jpeg,image/gif,image/webp';

/** A chosen file, with an address for its preview. */
type Chosen = { file: File; url: string };

/** Shows, uploads and removes the picture. */
export const PictureCard = ({ profile }: { profile: Profile }) => {
  const { session } = useAuthClient();
  const { show } = useProfileUpdate();
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const choose = (file: File | undefined) =>
    setChosen(file === undefined ? null : { file, url: URL.createObjectURL(file) });
  useEffect(() => () => (chosen === null ? undefined : URL.revokeObjectURL(chosen.url)), [chosen]);
  const change = useMutation({
    mutationFn: (file: File | null) => setPicture(session, file),
    onSuccess: ({ pictureUrl }) => {
      show({ ...profile, pictureUrl });
      setChosen(null);
      if (input.current !== null) input.current.value = '';
    },
  });
  const shown = chosen?.url ?? profile.pictureUrl;
  const success = change.data?.pictureUrl === null ? 'Your picture is removed.' : 'Your picture is saved.';
  const error = change.error instanceof PictureError ? change.error.message : "Can't reach the server. Try again.";
  return (
    <section className="card" aria-labelledby="picture-title">
      <header className="card-head">
        <h3 id="picture-title">Picture</h3>
      </header>
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
            aria-describedby="picture-note"
            onChange={(event) => {
              choose(event.target.files?.[0]);
              if (!change.isIdle) change.reset();
            }}
          />
          <p className="sub" id="picture-note">
            PNG, JPEG, GIF or WebP, up to 2 MB and 1024 × 1024 pixels.
          </p>
        </div>
      </div>
      <Outcome error={change.isError ? error : ''} success={change.isSuccess ? success : ''} />
      <div className="actions">
        <button
          type="button"
          className="quiet"
          disabled={profile.pictureUrl === null || change.isPending}
          onClick={() => change.mutate(null)}
        >
          Remove
        </button>
        <button
          type="button"
          className="primary"
          disabled={chosen === null || change.isPending}
          aria-busy={change.isPending}
          onClick={() => chosen !== null && change.mutate(chosen.file)}
        >
          {change.isPending ? 'Saving…' : 'Upload'}
        </button>
      </div>
    </section>
  );
};
