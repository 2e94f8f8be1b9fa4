import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { isSignedByTwilio } from './twilio-signature.js';

/** A call of Twilio, as it came. */
export interface TwilioCall {
  /** Path and query. */
  readonly path: string;
  readonly body: Buffer;
  readonly signature: string | undefined;
}

/** Reads what Twilio posts. */
@Injectable()
export class TwilioFormsService {
  private readonly authToken: string | undefined;
  private readonly publicUrl: string;

  constructor(@Inject(CONFIG) config: Config) {
    this.authToken = config.TWILIO_AUTH_TOKEN;
    this.publicUrl = config.PUBLIC_URL ?? '';
  }

  /** Returns the fields of the form. Throws Problem signature_invalid unless Twilio signed it, and not_configured without its settings. */
  read({ path, body, signature }: TwilioCall): URLSearchParams {
    if (this.authToken === undefined) throw new Problem('not_configured', 'TWILIO_AUTH_TOKEN is not set.');
    const fields = new URLSearchParams(body.toString('utf8'));
    const url = `${this.publicUrl}${path}`;
    if (signature === undefined || !isSignedByTwilio({ url, fields, signature }, this.authToken))
      throw new Problem('signature_invalid', 'X-Twilio-Signature does not fit PUBLIC_URL, path and form.');
    return fields;
  }
}
