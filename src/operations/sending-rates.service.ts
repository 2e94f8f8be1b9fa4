import { Inject, Injectable } from '@nestjs/common';
import type { SendingRate, SendingRates } from '../campaigns/preview/sending-rates.js';
import { budgetOf } from '../platform/budgets/budget.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from '../push/providers/push-provider.js';
import { PushReportService } from '../push/sending/push-report.service.js';

/** Says how fast each way to people is, and how many wait for it already. */
@Injectable()
export class SendingRatesService implements SendingRates {
  constructor(
    private readonly pushes: PushReportService,
    @Inject(PUSH_PROVIDERS) private readonly providers: readonly PushProviderDefinition[],
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Of texts and mails nobody counts how many wait. */
  async rates(): Promise<SendingRate[]> {
    const pushes = (await this.pushes.forecast()).map(({ vendor, perSecond, waiting }): SendingRate => {
      const addressKinds = this.providers.find(({ name }) => name === vendor)?.addressKinds ?? [];
      return { name: vendor, addressKinds, perSecond, waiting: waiting.critical + waiting.important };
    });
    const senders = (this.config.SMS_ROUTES?.routes ?? []).flatMap((route) => route.senders);
    const texts = new Map(
      senders.map(({ provider, sender, perSecond }) => [`${provider} ${sender}`, perSecond]),
    );
    const mails = budgetOf(this.config.SMTP_PER_MINUTE).perSecond;
    return [
      ...pushes,
      { name: 'email', addressKinds: [], perSecond: mails, waiting: 0 },
      {
        name: 'sms',
        addressKinds: [],
        perSecond: [...texts.values()].reduce((a, b) => a + b, 0),
        waiting: 0,
      },
    ];
  }
}
