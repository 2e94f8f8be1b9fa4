import { httpSms } from './http/http.provider.js';
import type { MessageProviderDefinition } from './message-provider.js';
import { smtp } from './smtp/smtp.provider.js';
import { twilio } from './twilio/twilio.provider.js';

/** Every provider of texts and mails that Usher knows. A new one is a folder here and a line in this list. */
export const messageProviders: readonly MessageProviderDefinition[] = [smtp, twilio, httpSms];
