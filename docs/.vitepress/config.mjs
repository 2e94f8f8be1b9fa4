/*
 * The documentation as a site, which Usher itself serves at /docs: every page of docs/, and the READMEs that they lead to. It loads nothing but
 * its own files and runs no inline script, so the Content-Security-Policy of Usher's other pages holds for it too.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { codeAsClasses, codeTheme } from './code.mjs';
import { linksToPages, slugify } from './links.mjs';
import { writeLlmsTexts } from './llms.mjs';
import { NO_PAGES, pageOf, SECTIONS } from './pages.mjs';

const project = fileURLToPath(new URL('../../', import.meta.url));
const outDir = fileURLToPath(new URL('dist/', import.meta.url));

export default defineConfig({
  title: 'Usher',
  description: 'A self-hosted notification gateway for streaming services',
  base: '/docs/',
  // None: a browser would ask for /favicon.ico.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcDir: project,
  outDir,
  cacheDir: `${project}node_modules/.cache/vitepress`,
  srcExclude: NO_PAGES,
  rewrites: (document) => pageOf(document) ?? document,
  cleanUrls: true,
  // It would insert a style element, which the policy forbids.
  appearance: { disableTransition: false },
  lastUpdated: false,
  ignoreDeadLinks: 'localhostLinks',
  metaChunk: true,
  markdown: {
    theme: codeTheme,
    codeTransformers: [codeAsClasses],
    anchor: { slugify },
    config: (md) => linksToPages(md, project),
  },
  themeConfig: {
    search: { provider: 'local' },
    sidebar: SECTIONS,
    nav: [
      { text: 'Start', link: '/start/web-app' },
      { text: 'Contract', link: '/CONTRACT' },
      { text: 'API', link: '/api', target: '_blank' },
    ],
    outline: [2, 3],
  },
  transformHtml: (html) => html.replace(INLINE_SCRIPT, saveScript).replace(STYLE_ATTRIBUTE, '$1'),
  buildEnd: () => writeLlmsTexts(project, outDir),
});

/** The policy forbids them; the two that the theme has are not needed (theme/style.css). */
const STYLE_ATTRIBUTE = /(<[a-z][^>]*) style="[^"]*"/g;
const INLINE_SCRIPT = /<script(?![^>]*\bsrc=)([^>]*)>([^]+?)<\/script>/g;

/** An inline script becomes a file, which `script-src 'self'` allows. It runs at the same moment. */
function saveScript(_whole, attributes, script) {
  const name = `assets/inline-${createHash('sha256').update(script).digest('hex').slice(0, 16)}.js`;
  mkdirSync(`${outDir}assets`, { recursive: true });
  writeFileSync(`${outDir}${name}`, script);
  return `<script${attributes} src="/docs/${name}"></script>`;
}
