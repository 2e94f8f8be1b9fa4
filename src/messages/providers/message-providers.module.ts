import { Module } from '@nestjs/common';
import { MessageMonitorService } from './message-monitor.service.js';
import { MESSAGE_PROVIDERS } from './message-provider.js';
import { MessageProvidersService } from './message-providers.service.js';
import { messageProviders } from './registry.js';
import { SmsRoutesService } from './sms-routes.service.js';

/** The providers of texts and mails. It stops after MessagesModule, which imports it: the connections end when nobody sends any more. */
@Module({
  providers: [
    MessageMonitorService,
    MessageProvidersService,
    SmsRoutesService,
    { provide: MESSAGE_PROVIDERS, useValue: messageProviders },
  ],
  exports: [MessageProvidersService, SmsRoutesService],
})
export class MessageProvidersModule {}
