import { Injectable } from '@nestjs/common';
import { AudienceSlicesService } from '../../audiences/slices/audience-slices.service.js';
import { Problem } from '../../platform/http/problem.js';
import { TemplateCatalogService } from '../../templates/catalog/template-catalog.service.js';
import { TemplateStore } from '../../templates/catalog/template.store.js';
import type { CompiledTemplate } from '../../templates/content/compiled-template.js';
import type { TemplateChannel } from '../../templates/template.js';
import type { BuiltInType } from '../../mailbox/events/event-types.js';
import {
  CAMPAIGN_EVENT,
  type CampaignChannel,
  type CampaignDefinition,
  type NamedCampaign,
} from '../campaign.js';
import { type CampaignData, contentForEveryone } from '../sending/campaign-content.js';
import type { CampaignBody } from './campaign.schema.js';

/** What Usher sends by itself and nobody does, and what is stored nowhere. */
const NEVER_A_GOAL: readonly string[] = [
  CAMPAIGN_EVENT,
  'digest.ready',
  'recommendations.ready',
  'playback.progress',
  'receipts.changed',
] satisfies BuiltInType[];

/** Checks what a campaign names before anything is stored. */
@Injectable()
export class CampaignChecksService {
  constructor(
    private readonly templates: TemplateStore,
    private readonly catalog: TemplateCatalogService,
    private readonly audiences: AudienceSlicesService,
  ) {}

  /**
   * Returns the campaign with the version of its template. Throws Problem unknown_template when there is none or it has no words for a channel, and
   * invalid_request for an audience that is not there, or in two lists, and for a goal that cannot be counted.
   */
  async check({
    template,
    audiences = [],
    exclusions = [],
    channels = ['app'],
    ...body
  }: CampaignBody): Promise<CampaignDefinition> {
    const version = template.version ?? (await this.templates.get(template.name))?.version;
    if (version === undefined)
      throw new Problem('unknown_template', `There is no template ${template.name}.`);
    const versioned = { ...template, version, data: template.data ?? {} };
    const definition = { ...body, template: versioned, audiences, exclusions, channels };
    if (body.goal && NEVER_A_GOAL.includes(body.goal.eventType))
      throw new Problem('invalid_request', `goal: nothing is counted by ${body.goal.eventType}`);
    await this.templateOf(definition);
    await this.checkAudiences(definition);
    return definition;
  }

  /** Returns the campaign's template. Throws Problem unknown_template. */
  async templateOf({
    template: { name, version },
    channels,
  }: Pick<CampaignDefinition, 'template' | 'channels'>): Promise<CompiledTemplate> {
    const found = await this.catalog.findVersion(name, version);
    if (!found)
      throw new Problem('unknown_template', `There is no version ${version} of the template ${name}.`);
    const missing = channels.find((channel) => !found.has(wordsFor(channel)));
    if (missing === undefined) return found;
    throw new Problem(
      'unknown_template',
      `Version ${version} of the template ${name} has no words for ${wordsFor(missing)}.`,
    );
  }

  /** Returns what a campaign to everyone says. Throws Problem unknown_template, and template_data_invalid when the values do not fit or it is too long. */
  async contentForEveryone(campaign: NamedCampaign): Promise<CampaignData> {
    const data = contentForEveryone(campaign, await this.templateOf(campaign.body));
    if ('fault' in data) throw new Problem('template_data_invalid', data.fault);
    return data;
  }

  /** Checks that there are words for the campaign. Throws as templateOf, and for one to everyone as contentForEveryone. */
  async checkWords(campaign: NamedCampaign): Promise<void> {
    if (campaign.body.to === 'everyone') await this.contentForEveryone(campaign);
    else await this.templateOf(campaign.body);
  }

  private async checkAudiences({ audiences, exclusions }: CampaignDefinition): Promise<void> {
    const twice = audiences.find((name) => exclusions.includes(name));
    if (twice !== undefined)
      throw new Problem('invalid_request', `exclusions: ${twice} is among the audiences, too`);
    const all = [...audiences, ...exclusions];
    const known = new Set((await this.audiences.list(all)).map(({ name }) => name));
    const missing = all.find((name) => !known.has(name));
    if (missing !== undefined)
      throw new Problem('invalid_request', `There is no audience ${missing}.`, { audience: missing });
  }
}

/** Which words of the template a channel needs. An app shows those of a push. */
const wordsFor = (channel: CampaignChannel): TemplateChannel => (channel === 'app' ? 'push' : channel);
