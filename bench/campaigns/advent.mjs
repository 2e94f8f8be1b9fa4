/* The campaign that is measured: three audiences that have people in common. */

/** Encrypts the addresses of its people. */
export const CONTACT_KEY = 'encrypts the addresses of pretend people with 32 bytes or more';

export const TEMPLATE = {
  data: { type: 'object' },
  example: {},
  locales: {
    en: { push: { title: 'Advent', body: 'Two for one' }, email: { subject: 'Advent', text: 'Two for one' } },
  },
};

/** The body of `PUT /v1/campaigns/{name}`. */
export const campaignOn = (channels) => ({
  template: { name: 'advent' },
  audiences: ['half', 'third', 'all'],
  channels,
  startAt: '2026-01-01T00:00:00Z',
});

/** Writes it, has it approved, and schedules it for now. `api`: startNode. */
export async function writeCampaign(api, template, campaign) {
  await api.call('PUT', '/v1/templates/advent', template);
  await api.call('PUT', '/v1/campaigns/advent', campaign);
  await api.call('POST', '/v1/campaigns/advent/approve');
  await api.call('POST', '/v1/campaigns/advent/schedule');
}
