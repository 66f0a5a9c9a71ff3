import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

const bff = 'http://localhost:4000';

/** The page of `npm run dev`. From the packages' source; with `--mode built` from what `npm run build` made of them. */
export default defineConfig(({ mode }) => ({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react()],
  resolve: { conditions: mode === 'built' ? [...defaultClientConditions] : ['source', ...defaultClientConditions] },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The page's own policy allows no data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    // One file for all that the first load needs: it compresses better, and saves a request. What `lazy()` loads stays apart.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'page', tags: ['$initial'] }] } } },
  },
  // For who works on the page: `npx vite client/demo` beside `npm run dev`.
  // `changeOrigin: false` keeps the Host header, by which the BFF recognises its own page, also on a LAN address.
  server: {
    proxy: {
      '/trpc': { target: bff, changeOrigin: false },
      '/bff': { target: bff, changeOrigin: false },
      '/dev': bff,
    },
  },
}));
