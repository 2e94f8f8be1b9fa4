import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { isLocalOrigin, isOriginAllowed, type PageHeaders } from './origin.js';

/** Origins that are logged at most, since whoever invents origins must not fill the log. */
const MAX_LOGGED = 100;
/** A longer origin is none that a browser sends. */
const MAX_CHARACTERS = 300;

/**
 * Which pages of browsers may call and connect: those of CORS_ORIGINS and the node's own; in development all of this machine too. Browsers
 * do not apply CORS to WebSockets, so sockets ask here as well.
 */
@Injectable()
export class OriginsService {
  private readonly log = new Logger('cors');
  private readonly logged = new Set<string>();

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Returns whether the page may. An origin that may not is logged once, with the setting that would allow it. */
  isAllowed(headers: PageHeaders): boolean {
    const { origin = '' } = headers;
    if (isOriginAllowed(headers, this.config.CORS_ORIGINS)) return true;
    if (this.config.NODE_ENV === 'development' && isLocalOrigin(origin)) return true;
    this.logOnce(origin);
    return false;
  }

  private logOnce(origin: string): void {
    if (origin.length > MAX_CHARACTERS || this.logged.size >= MAX_LOGGED || this.logged.has(origin)) return;
    this.logged.add(origin);
    this.log.warn(
      `Pages of ${origin} may not call or connect. If they are yours, add it to CORS_ORIGINS, exactly as written here. (Logged once.)`,
    );
  }
}
