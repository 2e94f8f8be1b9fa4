import { Module } from '@nestjs/common';
import { EntitlementStore } from './entitlement.store.js';
import { EntitlementsController } from './entitlements.controller.js';

@Module({ controllers: [EntitlementsController], providers: [EntitlementStore] })
export class EntitlementsModule {}
