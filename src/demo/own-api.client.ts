import type { Server } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';

/** A request to this node's own API. */
export interface OwnApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A response of this node's own API. */
export interface OwnApiResponse {
  readonly status: number;
  readonly text: string;
  /** Milliseconds from the first byte sent to the last byte read. */
  readonly ms: number;
}

const TIMEOUT_MS = 15_000;

/** Calls this node's API over HTTP, as a client outside would. */
@Injectable()
export class OwnApiClient {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Where this node listens: `http://127.0.0.1:3000`. Throws when it does not listen. */
  get origin(): string {
    const bound = (this.adapterHost.httpAdapter.getHttpServer() as Server).address();
    if (bound === null || typeof bound === 'string') throw new Error('this node does not listen on a port');
    const { address, family, port } = bound;
    const anyAddress = address === '0.0.0.0' || address === '::';
    const host = family === 'IPv6' ? `[${address}]` : address;
    return `http://${anyAddress ? 'localhost' : host}:${port}`;
  }

  /** The service key of the demo, which has every scope. Throws Problem not_configured without ADMIN_KEY. */
  get serviceKey(): string {
    const { ADMIN_KEY } = this.config;
    if (ADMIN_KEY === undefined)
      throw new Problem('not_configured', 'This page calls the API with ADMIN_KEY, which is not set.');
    return ADMIN_KEY;
  }

  /** Resolves whatever the status is. Throws when the node does not listen, or does not respond in 15 s. */
  async send({ method, path, body, headers = {} }: OwnApiRequest): Promise<OwnApiResponse> {
    const began = performance.now();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const content = body === undefined ? {} : { body };
    const response = await fetch(`${this.origin}${path}`, { method, headers, signal, ...content });
    const text = await response.text();
    return { status: response.status, text, ms: Math.round(performance.now() - began) };
  }

  /** The same with the service key. Throws also Problem not_configured. */
  sendWithKey(request: OwnApiRequest): Promise<OwnApiResponse> {
    const authorization = `Bearer ${this.serviceKey}`;
    return this.send({ ...request, headers: { ...request.headers, authorization } });
  }
}
