import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const bundler = fileURLToPath(new URL('bundle.mjs', import.meta.url));

/** Returns the source of an app, bundled with the built client. In a process of its own: the bundler cannot run within Jest. */
function bundle(source: string): string {
  return execFileSync(process.execPath, [bundler], {
    input: source,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 16_000_000,
  });
}

/** Serves one page with a script, and a service worker, on the loopback. */
export class Pages {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(sources: { page: string; worker: string }): Promise<Pages> {
    const files: Record<string, readonly [type: string, body: string]> = {
      '/': [
        'text/html',
        '<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>',
      ],
      '/page.js': ['text/javascript', bundle(sources.page)],
      '/worker.js': ['text/javascript', bundle(sources.worker)],
    };
    const server = createServer((request, response) => {
      const file = files[new URL(request.url ?? '/', 'http://page').pathname];
      if (!file) return response.writeHead(404).end();
      return response.writeHead(200, { 'content-type': file[0] }).end(file[1]);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Pages(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
