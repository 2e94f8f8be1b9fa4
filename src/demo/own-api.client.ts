import type { Server } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

export interface OwnApiResponse {
  readonly status: number;
  readonly text: string;
  /** From the first byte sent to the last one read. */
  readonly ms: number;
}

/** Calls this node over HTTP, as anybody outside would. */
@Injectable()
export class OwnApiClient {
  constructor(private readonly host: HttpAdapterHost) {}

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
    const at = (this.host.httpAdapter.getHttpServer() as Server).address();
    if (at === null || typeof at === 'string') throw new Error('this node does not listen on a port');
    const everywhere = at.address === '0.0.0.0' || at.address === '::';
    const name = at.family === 'IPv6' ? `[${at.address}]` : at.address;
    return `http://${everywhere ? 'localhost' : name}:${at.port}`;
  }
}
