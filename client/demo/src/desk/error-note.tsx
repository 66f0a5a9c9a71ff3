import { errorAction } from '@auth-bff/client';
import { Icon } from './icon.tsx';
import { errorWords } from './error-words.ts';

type ErrorNoteProps = { error: unknown; subject: string; onRetry?: () => void };

/** Shows an error and its remedy in place of the data. */
export const ErrorNote = ({ error, subject, onRetry }: ErrorNoteProps) => {
  const { title, advice, canRetry } = errorWords(error, subject);
  const action = errorAction(error);
  return (
    <div className="note" data-action={action} role="status">
      <Icon name={action === 'access-denied' ? 'lock' : action === 'not-found' ? 'search' : 'wrench'} />
      <div>
        <p className="note-title">{title}</p>
        <p>{advice}</p>
        {canRetry && onRetry ? (
          <button type="button" className="quiet" onClick={onRetry}>
            Try again
          </button>
        ) : null}
      </div>
    </div>
  );
};
