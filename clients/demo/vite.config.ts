import { defineConfig } from 'vite';

// The page is served by Usher itself (src/development), under a policy that forbids inline code and other hosts.
export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
