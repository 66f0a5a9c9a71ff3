import { createAuthClient } from '@auth-bff/client';
import { AuthProvider, retry } from '@auth-bff/client/react';
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
  // A short hiccup is not worth a word. Where the BFF asks for a longer wait the page counts it down, and asks then.
  retry: { attempts: 2, baseDelayMs: 200, maxDelayMs: 1_000 },
});
const queryClient = new QueryClient({ defaultOptions: { queries: { retry, staleTime: 2_000 } } });
// What happens behind the scenes is nobody's own: it stays when somebody signs out.
const labQueryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } });

const root = document.querySelector('#root');
if (root === null) throw new Error('index.html has no #root.');
createRoot(root).render(
  <StrictMode>
    <AuthProvider client={client} queryClient={queryClient}>
      <LabContext value={{ session: client.session, watch, queryClient: labQueryClient }}>
        <App />
      </LabContext>
    </AuthProvider>
  </StrictMode>,
);
