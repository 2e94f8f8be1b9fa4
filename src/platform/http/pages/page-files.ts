import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Response } from 'express';
import { Problem } from '../problem.js';
import { pageHeaders } from './page-headers.js';

/** Vite puts a hash of the content into each asset's name. */
const ASSET = /^[\w.-]+$/;

/** Serves the files of a page as Vite built it. */
export class PageFiles {
  private readonly folder: string;

  /** `folder` is where `index.html` and `assets/` are; `directives`, of the Content-Security-Policy, what the page may besides. */
  constructor(
    folder: URL,
    private readonly directives: readonly string[] = [],
  ) {
    this.folder = fileURLToPath(folder);
  }

  /** Sends the page with its security headers. `host`: see pageHeaders. Throws Problem not_found when it is not built. */
  sendPage(response: Response, host: string | undefined): void {
    if (!existsSync(`${this.folder}index.html`))
      throw new Problem('not_found', 'The page is not built: `npm start` builds it.');
    response.set(pageHeaders(host, this.directives));
    this.send(response, 'index.html', 'no-store');
  }

  /** Sends a script, style or picture of the page, which never changes under its name. Throws Problem not_found. */
  sendAsset(response: Response, name: string): void {
    if (!ASSET.test(name) || !existsSync(`${this.folder}assets/${name}`)) throw new Problem('not_found');
    response.set('X-Content-Type-Options', 'nosniff');
    this.send(response, `assets/${name}`, 'public, max-age=31536000, immutable');
  }

  private send(response: Response, file: string, caching: string): void {
    response.set('Cache-Control', caching).sendFile(file, { root: this.folder, cacheControl: false });
  }
}
