import { Module } from '@nestjs/common';
import { EntitlementStore } from './entitlement.store.js';
import { EntitlementsController } from './entitlements.controller.js';

/** Entitlements: what a user may do now. They are derived at each read, so nothing is stored here. */
@Module({ controllers: [EntitlementsController], providers: [EntitlementStore] })
export class EntitlementsModule {}
