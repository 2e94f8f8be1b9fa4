import { isIP } from 'node:net';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';

/**
 * Lets the demo be used only under a name of this machine. A page of any site can have its own name resolve to 127.0.0.1 (DNS
 * rebinding) and would then be of the same origin as the demo, which gives everybody a token.
 */
@Injectable()
export class KnownHostGuard implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Throws Problem origin_forbidden. */
  canActivate(context: ExecutionContext): boolean {
    const { host } = context.switchToHttp().getRequest<Request>().headers;
    if (isKnownHost(host, this.config.CORS_ORIGINS)) return true;
    throw new Problem(
      'origin_forbidden',
      'Open the demo as localhost or by an IP address; another name must be in CORS_ORIGINS.',
    );
  }
}

/** Whether the Host header is an IP address, which cannot be rebound, `localhost`, or that of one of the origins. */
export function isKnownHost(host: string | undefined, origins: readonly string[]): boolean {
  if (host === undefined || !URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true;
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return true;
  return origins.some((origin) => URL.canParse(origin) && new URL(origin).hostname === hostname);
}
