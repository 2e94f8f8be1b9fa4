import { Module } from '@nestjs/common';
import { ContactsModule } from '../contacts/contacts.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { TemplatesModule } from '../templates/templates.module.js';
import { EventMessagesService } from './event-messages.service.js';
import { FallbackStore } from './fallbacks/fallback.store.js';
import { FallbacksController } from './fallbacks/fallbacks.controller.js';
import { FallbacksService } from './fallbacks/fallbacks.service.js';
import { InboundTextStore } from './inbound/inbound-text.store.js';
import { InboundTextsController } from './inbound/inbound-texts.controller.js';
import { InboundTextsService } from './inbound/inbound-texts.service.js';
import { MessageReportsController } from './inbound/message-reports.controller.js';
import { MessageReportsService } from './inbound/message-reports.service.js';
import { SignedReportsService } from './inbound/signed-reports.service.js';
import { TwilioController } from './inbound/twilio.controller.js';
import { TwilioFormsService } from './inbound/twilio-forms.service.js';
import { TwilioWebhooksService } from './inbound/twilio-webhooks.service.js';
import { MessageListController } from './message-list.controller.js';
import { MessageQueueingService } from './message-queueing.service.js';
import { MessageWordsService } from './message-words.service.js';
import { MessagesController } from './messages.controller.js';
import { MessagesService } from './messages.service.js';
import { OptOutStore } from './opt-outs/opt-out.store.js';
import { UnsubscribeController } from './opt-outs/unsubscribe.controller.js';
import { UnsubscribeLinksService } from './opt-outs/unsubscribe-links.service.js';
import { MessageProvidersModule } from './providers/message-providers.module.js';
import { CountedMessageStore } from './queue/counted-message.store.js';
import { MessageListStore } from './queue/message-list.store.js';
import { MessageStore } from './queue/message.store.js';
import { MailSenderService } from './sending/mail-sender.service.js';
import { MessageBatchesService } from './sending/message-batches.service.js';
import { MessageDispatchWorker } from './sending/message-dispatch.worker.js';
import { MessageLimitsService } from './sending/message-limits.service.js';
import { MessageSenderService } from './sending/message-sender.service.js';
import { TextSenderService } from './sending/text-sender.service.js';

/** Texts and mails: the queue, the sending, the providers, and what comes back. */
@Module({
  imports: [ContactsModule, MailboxModule, MessageProvidersModule, TemplatesModule],
  controllers: [
    FallbacksController,
    InboundTextsController,
    MessageListController,
    MessageReportsController,
    MessagesController,
    TwilioController,
    UnsubscribeController,
  ],
  providers: [
    CountedMessageStore,
    EventMessagesService,
    FallbacksService,
    FallbackStore,
    InboundTextsService,
    InboundTextStore,
    MailSenderService,
    MessageBatchesService,
    MessageDispatchWorker,
    MessageLimitsService,
    MessageListStore,
    MessageQueueingService,
    MessageReportsService,
    MessageSenderService,
    MessagesService,
    MessageStore,
    MessageWordsService,
    OptOutStore,
    SignedReportsService,
    TextSenderService,
    TwilioFormsService,
    TwilioWebhooksService,
    UnsubscribeLinksService,
  ],
  exports: [EventMessagesService, MessagesService, MessageStore],
})
export class MessagesModule {}
