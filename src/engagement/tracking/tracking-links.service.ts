import { Inject, Injectable } from '@nestjs/common';
import type { MailTracking, TrackedMail } from '../../messages/sending/mail-tracking.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { deriveKey } from '../../platform/crypto/aes-gcm.js';
import { MAX_TOKEN, openPlace, sealPlace, type TrackedPlace } from './tracking-token.js';
import { trackHtml } from './track-html.js';

/** Below PUBLIC_URL. */
const TRACKING_PATH = '/t';

/** What a link or pixel is in. */
export type TrackedMessage = Omit<TrackedPlace, 'place' | 'url' | 'day'>;

/** Makes links and pixels by which clicks and opens are counted, and reads them. */
@Injectable()
export class TrackingLinksService implements MailTracking {
  private readonly keys: readonly Uint8Array[];
  private readonly publicUrl: string | undefined;

  constructor(@Inject(CONFIG) config: Config) {
    this.keys = config.CONTACT_KEY.map((secret) => deriveKey({ secret, salt: '', info: 'usher tracking' }));
    this.publicUrl = config.PUBLIC_URL;
  }

  /** Whether links can be made here: it takes PUBLIC_URL and CONTACT_KEY. */
  get isConfigured(): boolean {
    return this.publicUrl !== undefined && this.keys.length > 0;
  }

  /** Returns a link that is counted and leads to the URL; undefined for one that would be too long. `place`: which of the message, from 1. */
  linkFor(of: TrackedMessage, url: string, place: number): string | undefined {
    const token = this.seal({ ...of, place, url });
    return token.length > MAX_TOKEN ? undefined : `${this.publicUrl}${TRACKING_PATH}/${token}`;
  }

  /** Returns the address of an invisible image that is counted when it is loaded. */
  pixelFor(of: TrackedMessage): string {
    return `${this.publicUrl}${TRACKING_PATH}/${this.seal({ ...of, place: 0 })}.gif`;
  }

  /** Returns the HTML with links and a pixel that are counted; as it is where none can be made. */
  trackMail(html: string, mail: TrackedMail): string {
    if (!this.isConfigured) return html;
    const of = { ...mail, channel: 'email' };
    const pixel = this.pixelFor(of);
    return trackHtml(html, { linkFor: (url, place) => this.linkFor(of, url, place), pixel });
  }

  /** Returns what a token says; undefined unless we made it. */
  read(token: string): TrackedPlace | undefined {
    return openPlace(token, this.keys);
  }

  private seal(place: Omit<TrackedPlace, 'day'>): string {
    const [key] = this.keys;
    if (!key || this.publicUrl === undefined)
      throw new Error('PUBLIC_URL and CONTACT_KEY are needed for links that are counted');
    const day = new Date().toISOString().slice(0, 'yyyy-mm-dd'.length);
    return sealPlace({ ...place, day }, key);
  }
}
