/** The result of a form, read aloud. Both regions are always in the page: some readers ignore a new one. */
export const Outcome = ({ error, success }: { error: string; success: string }) => (
  <div className="outcome">
    <p className="field-error" role="alert">
      {error}
    </p>
    <p className="field-success" role="status">
      {success}
    </p>
  </div>
);
