import { defineConfig } from 'vitest/config';

/** Vite runs this file in Node; the page's own types know nothing of it. */
declare const process: { env: Record<string, string | undefined> };

/** `npm run dev` passes what is not the page itself on to a server that runs beside it. */
const server = process.env['BAYGRID_URL'] ?? 'http://127.0.0.1:8000';

export default defineConfig({
  build: {
    target: 'es2022',
    sourcemap: true,
    assetsInlineLimit: 0,
    // One page for each app that is an entry of its own; what they share is built once.
    rollupOptions: { input: ['index.html', 'admin.html'] },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: server },
      '/ws': { target: server, ws: true },
    },
  },
  // Styles are read as text by the test that holds them against the words for what they colour.
  test: { environment: 'node', include: ['src/**/*.test.ts'], css: { include: [/\.css\?raw/] } },
});
