import { Module } from '@nestjs/common';
import { AddressCipherService } from './address-cipher.service.js';
import { ContactStore } from './contact.store.js';
import { ContactsController } from './contacts.controller.js';
import { ContactsService } from './contacts.service.js';
import { OwnContactController } from './own-contact.controller.js';

/** How users are reached without the app. */
@Module({
  controllers: [ContactsController, OwnContactController],
  providers: [AddressCipherService, ContactsService, ContactStore],
  exports: [AddressCipherService, ContactsService],
})
export class ContactsModule {}
