import { Injectable } from '@nestjs/common';
import { AudienceSlicesService } from '../../audiences/slices/audience-slices.service.js';
import { Problem } from '../../platform/http/problem.js';
import type { CompiledTemplate } from '../../templates/content/compiled-template.js';
import { TEMPLATE_CHANNELS } from '../../templates/template.js';
import type { CampaignDefinition, NamedCampaign } from '../campaign.js';
import { CampaignChecksService } from '../definitions/campaign-checks.service.js';
import { CampaignsService } from '../definitions/campaigns.service.js';
import { campaignContent, contentForEveryone, type Reader, valuesOf } from '../sending/campaign-content.js';
import { CampaignSendingStore } from '../sending/campaign-sending.store.js';
import { decideMember, type MemberDecision } from '../sending/decide-member.js';
import type { CampaignReader } from './preview.schema.js';

/** Shows what a campaign would say to one user now. */
@Injectable()
export class CampaignPreviewService {
  constructor(
    private readonly campaigns: CampaignsService,
    private readonly checks: CampaignChecksService,
    private readonly audiences: AudienceSlicesService,
    private readonly members: CampaignSendingStore,
  ) {}

  /** Throws Problem not_found or unknown_template, and invalid_request for values of one user where all have the same. Nothing is sent. */
  async preview(name: string, { userId, data }: CampaignReader) {
    const { template, content, decision, reader, body, isMember } = await this.read(name, { userId, data });
    const fault = 'fault' in content ? content.fault : null;
    return {
      userId,
      isMember,
      channel: decision.is === 'send' ? decision.channel : null,
      reason: decision.is === 'skip' ? decision.reason : null,
      fault,
      locale: reader.locale,
      words: fault === null ? wordsOf(template, body, reader) : {},
    };
  }

  /** Returns what is to be sent to a user who tries the campaign, whether or not they are a member. Throws Problem when it cannot be. */
  async toTry(name: string, reader: CampaignReader) {
    const { content, decision } = await this.read(name, reader);
    if ('fault' in content) throw new Problem('template_data_invalid', content.fault);
    if (decision.is === 'skip')
      throw new Problem('conflict', `The user would get nothing: ${decision.reason}.`, {
        reason: decision.reason,
      });
    return {
      channel: decision.channel,
      messages: decision.messages,
      data: { ...content, isTest: true as const },
    };
  }

  private async read(name: string, of: CampaignReader) {
    const campaign = await this.campaigns.find(name);
    const { body } = campaign;
    const template = await this.checks.templateOf(body);
    // The cap is about real ones.
    const [facts] = await this.members.facts([of.userId], undefined);
    if (!facts) throw new Error('the query returns a row for each user');
    if (body.to === 'everyone') return asOneOfAll(campaign, template, of, facts.locale);
    const { isMember, data: listed } = await this.membership(body, of.userId);
    const { preferences, locale, recent, userId: _, addressKinds: __, ...reach } = facts;
    const decision = decideMember(
      { channels: body.channels },
      { reach, preferences, recent },
      { isExpired: false },
    );
    const reader: Reader = { locale, data: of.data ?? listed };
    const content = campaignContent(campaign, template, reader);
    return { body, template, decision, content, reader, isMember };
  }

  private async membership({ audiences, exclusions }: CampaignDefinition, userId: string) {
    const found = await this.audiences.list([...audiences, ...exclusions]);
    const of = (names: readonly string[]) => found.filter(({ name }) => names.includes(name));
    return this.audiences.membership({ anyOf: of(audiences), without: of(exclusions) }, userId);
  }
}

/** A broadcast asks for nobody's preferences, and has the same values for all. */
function asOneOfAll(
  campaign: NamedCampaign,
  template: CompiledTemplate,
  { data }: CampaignReader,
  locale: string | null,
) {
  if (data !== undefined)
    throw new Problem('invalid_request', 'data: a campaign to everyone has the same values for all');
  const decision: MemberDecision = { is: 'send', channel: 'app', messages: [] };
  const content = contentForEveryone(campaign, template);
  const reader: Reader = { locale, data: null };
  return { body: campaign.body, template, decision, content, reader, isMember: true };
}

/** Of all channels for which the template has words; of a campaign to everyone those that an app shows. */
function wordsOf(template: CompiledTemplate, body: CampaignDefinition, reader: Reader) {
  const checked = template.check(valuesOf(body, reader));
  if ('faults' in checked) return {};
  const channels = body.to === 'everyone' ? (['push'] as const) : TEMPLATE_CHANNELS;
  return Object.fromEntries(
    channels
      .filter((channel) => template.has(channel))
      .map((channel) => {
        try {
          return [channel, template.render(channel, reader.locale, checked.data)?.words];
        } catch (error) {
          return [channel, { fault: String((error as Error).message ?? error) }];
        }
      }),
  );
}
