import { defineConfig } from 'vite';

// Usher itself serves the page, with a Content-Security-Policy that forbids inline code and other hosts.
export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    // Browsers that know light-dark(): what stands in for it in older ones would make the devices as light as the page.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
