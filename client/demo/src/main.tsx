import { createAuthClient } from '@auth-bff/client';
import { liveLink } from '@auth-bff/client/live';
import { AuthProvider } from '@auth-bff/client/react';
import { QueryClient } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { LabContext } from './lab/lab-context.tsx';
import { createRequestWatch } from './lab/request-watch.ts';

const watch = createRequestWatch();
const client = createAuthClient({
  url: '/trpc',
  fetch: watch.fetch,
  // A sign-out elsewhere shows at once.
  live: liveLink({ watchSession: true }),
  // Short failures are retried silently. For a longer wait the page shows a countdown.
  retry: { attempts: 2, baseDelayMs: 200, maxDelayMs: 1_000 },
});
const queryClient = new QueryClient({ defaultOptions: { queries: { staleTime: 2_000 } } });
// The panels belong to no session and stay after a sign-out.
const labQueryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } });

const root = document.querySelector('#root');
if (root === null) throw new Error('index.html has no #root.');
createRoot(root).render(
  <StrictMode>
    <AuthProvider client={client} queryClient={queryClient}>
      <LabContext value={{ watch, queryClient: labQueryClient }}>
        <App />
      </LabContext>
    </AuthProvider>
  </StrictMode>,
);
