import { Injectable } from '@nestjs/common';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { CampaignPublisherService } from '../sending/campaign-publisher.service.js';
import { CampaignPreviewService } from './campaign-preview.service.js';
import type { CampaignReader } from './preview.schema.js';

const HOUR_MS = 3_600_000;

/** Sends campaigns to who tries them. */
@Injectable()
export class CampaignTestsService {
  constructor(
    private readonly previews: CampaignPreviewService,
    private readonly publisher: CampaignPublisherService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Sends the campaign to one user, whatever its state; it counts nowhere. Throws Problem not_found, unknown_template, template_data_invalid, or conflict
   * when the user cannot be reached.
   */
  async send(name: string, reader: CampaignReader, by: AuditContext) {
    const { userId } = reader;
    const message = { userId, ...(await this.previews.toTry(name, reader)) };
    return this.audit.transaction('important', by, async (tx) => {
      const [eventId = ''] = await this.publisher.publish(tx, [message], new Date(Date.now() + HOUR_MS));
      const { channel } = message;
      const target = { kind: 'campaign', id: name };
      return {
        outcome: { userId, channel, eventId },
        acts: [{ action: 'campaign.test', target, userId, after: { channel, eventId }, result: 'done' }],
      };
    });
  }
}
