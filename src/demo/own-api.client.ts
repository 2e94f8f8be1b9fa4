import type { Server } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** A response of this node's own API. */
export interface OwnApiResponse {
  readonly status: number;
  readonly text: string;
  /** Milliseconds from the first byte sent to the last byte read. */
  readonly ms: number;
}

/** Calls this node's API over HTTP, as a client outside would. */
@Injectable()
export class OwnApiClient {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  /** Resolves whatever the status is. Throws when the node does not listen. */
  async send(
    method: 'POST' | 'PUT',
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
  ): Promise<OwnApiResponse> {
    const began = performance.now();
    const response = await fetch(`${this.origin()}${path}`, { method, body, headers });
    const text = await response.text();
    return { status: response.status, text, ms: Math.round(performance.now() - began) };
  }

  private origin(): string {
    const bound = (this.adapterHost.httpAdapter.getHttpServer() as Server).address();
    if (bound === null || typeof bound === 'string') throw new Error('this node does not listen on a port');
    const { address, family, port } = bound;
    const anyAddress = address === '0.0.0.0' || address === '::';
    const host = family === 'IPv6' ? `[${address}]` : address;
    return `http://${anyAddress ? 'localhost' : host}:${port}`;
  }
}
