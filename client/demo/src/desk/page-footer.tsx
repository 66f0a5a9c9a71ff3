import { useDeskConfig } from '../lab/use-desk-config.ts';
import { openTour, useTour } from '../tour/tour-store.ts';

/** What a developer looks for next, and the tour. */
export const PageFooter = () => {
  const hasApiDocs = useDeskConfig()?.hasApiDocs === true;
  const { isDismissed } = useTour();
  return (
    <footer className="page-footer">
      <span className="sub">A demo of auth-bff with sample data.</span>
      {hasApiDocs ? (
        <>
          <a href="/bff/docs">API reference</a>
          <a href="/bff/openapi.json">OpenAPI document</a>
        </>
      ) : null}
      {isDismissed ? (
        <button type="button" className="link-button" onClick={openTour}>
          Take the tour
        </button>
      ) : null}
    </footer>
  );
};
