import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { Database } from '../../platform/postgres/database.js';
import { messagesQueued } from '../message.js';
import { type OptOutSource, OptOutStore } from '../opt-outs/opt-out.store.js';
import { MessageStore, type StatusReport } from '../queue/message.store.js';

/** Writes what providers report of messages that they took. */
@Injectable()
export class MessageReportsService {
  private readonly reports: Counter<'state' | 'result'>;

  constructor(
    private readonly messages: MessageStore,
    private readonly optOuts: OptOutStore,
    private readonly database: Database,
    private readonly bus: EventBusService,
    metrics: MetricsService,
  ) {
    this.reports = metrics.counter(
      'message_reports_total',
      'What providers reported of texts and mails. `ignored`: of one that is unknown or has ended.',
      ['state', 'result'],
    );
  }

  /**
   * Returns whether the report changed anything: not one that comes again, or of a message that was not sent. `stops`: the address gets
   * nothing more, and why.
   */
  async apply(report: StatusReport, stops?: OptOutSource): Promise<boolean> {
    const applied = await this.database.transaction('important', async (tx) => {
      if (stops !== undefined) await this.optOuts.addOfMessage(tx, report.messageId, stops, report.providers);
      const now = await this.messages.report(tx, report);
      if (now?.state === 'queued') tx.afterCommit(() => this.bus.publish(messagesQueued, now.tier));
      return now !== undefined;
    });
    this.reports.inc({ state: report.state, result: applied ? 'applied' : 'ignored' });
    return applied;
  }
}
