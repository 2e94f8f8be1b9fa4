/** A template for campaigns: it needs a `city`, and its mail has a link. */
export const CAMPAIGN_TEMPLATE = {
  data: {
    type: 'object',
    required: ['city'],
    properties: { city: { type: 'string' } },
  },
  example: { city: 'Berlin' },
  defaultLocale: 'en',
  locales: {
    en: {
      push: { title: 'Advent in {{ city }}', body: 'Two for one' },
      email: {
        subject: 'Mail from {{ city }}',
        text: 'Two for one',
        html: '<a href="https://films.example.com/advent">Two for one</a>',
      },
    },
  },
};
