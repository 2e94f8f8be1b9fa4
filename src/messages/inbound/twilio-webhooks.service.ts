import { Injectable } from '@nestjs/common';
import { parse } from '../../platform/http/validation.js';
import { InboundTextsService } from './inbound-texts.service.js';
import { MessageReportsService } from './message-reports.service.js';
import { twilioStatus, twilioText } from './twilio.schema.js';
import { type TwilioCall, TwilioFormsService } from './twilio-forms.service.js';

const PROVIDER = 'twilio';
/** Twilio's states that end a text (twilio.com/docs/messaging/api/message-resource#message-status-values); the others are on its way. */
const FINAL: Readonly<Record<string, 'delivered' | 'failed'>> = {
  delivered: 'delivered',
  read: 'delivered',
  undelivered: 'failed',
  failed: 'failed',
  canceled: 'failed',
};
/** The number has sent STOP to Twilio, before we knew. */
const STOPPED = '21610';

/** Does what Twilio reports. */
@Injectable()
export class TwilioWebhooksService {
  constructor(
    private readonly forms: TwilioFormsService,
    private readonly inbound: InboundTextsService,
    private readonly reports: MessageReportsService,
  ) {}

  /** Returns TwiML with the reply, once the text is stored. Throws Problem signature_invalid or invalid_request. */
  async receiveText(call: TwilioCall): Promise<string> {
    const { MessageSid, From, Body, OptOutType } = parse(
      twilioText,
      Object.fromEntries(this.forms.read(call)),
    );
    const text = { provider: PROVIDER, providerId: MessageSid, from: From, text: Body };
    const reply = await this.inbound.receive(text);
    return twiml(OptOutType === undefined ? reply : undefined);
  }

  /** Writes what became of the message. Throws as receiveText does. */
  async receiveStatus(messageId: string, call: TwilioCall): Promise<void> {
    const { MessageSid, MessageStatus, ErrorCode } = parse(
      twilioStatus,
      Object.fromEntries(this.forms.read(call)),
    );
    const state = FINAL[MessageStatus];
    if (state === undefined) return;
    const reason = ErrorCode === undefined ? MessageStatus : `twilio_${ErrorCode}`;
    await this.reports.apply(
      { messageId, state, reason, providerId: MessageSid, providers: [PROVIDER] },
      ErrorCode === STOPPED ? 'provider' : undefined,
    );
  }
}

/** Our replies have no character that XML would take for its own. */
const twiml = (reply: string | undefined): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Response>${reply === undefined ? '' : `<Message>${reply}</Message>`}</Response>`;
