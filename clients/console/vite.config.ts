import { defineConfig } from 'vite';

// Usher itself serves the console, with a Content-Security-Policy that forbids inline code and other hosts.
export default defineConfig({
  base: '/console/',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
