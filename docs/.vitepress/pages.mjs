/* Which documents are pages of the site, and where. */

/** Documents outside of docs/ that are pages too. */
const OTHERS = {
  'README.md': 'project/readme.md',
  'CONTRIBUTING.md': 'project/contributing.md',
  'CHANGELOG.md': 'project/changelog.md',
  'bench/README.md': 'project/bench.md',
};

/** Returns the path of a document's page below /docs/, or undefined for one that is no page. Both end in .md. */
export function pageOf(document) {
  if (document in OTHERS) return OTHERS[document];
  const [, client] = /^clients\/([\w-]+)\/README\.md$/.exec(document) ?? [];
  if (client) return `clients/${client}.md`;
  const [, path] = /^docs\/(.+\.md)$/.exec(document) ?? [];
  return path?.replace(/(^|\/)README\.md$/, '$1index.md');
}

/** Patterns of what ends in .md and is no page. */
export const NO_PAGES = ['{src,test,tools,prisma,deploy,warehouse}/**', '**/.*/**', 'clients/*/CHANGELOG.md'];

const page = (text, link) => ({ text, link });

/** The table of contents. */
export const SECTIONS = [
  {
    text: 'Start',
    items: [
      page('A web app, in five minutes', '/start/web-app'),
      page('A back office, with Stripe', '/start/back-office'),
      page('An edge node', '/start/edge-node'),
      page('A nightly job', '/start/nightly-job'),
      page('An operator’s day', '/start/operator'),
    ],
  },
  {
    text: 'Guides',
    items: [
      page('Tokens and keys', '/guides/tokens'),
      page('CORS', '/guides/cors'),
      page('Offline', '/guides/offline'),
      page('Push', '/guides/push'),
      page('Texts and mails', '/guides/texts-and-mails'),
      page('Templates', '/guides/templates'),
      page('Digests', '/guides/digests'),
      page('Campaigns', '/guides/campaigns'),
      page('Broadcasts', '/guides/broadcasts'),
      page('Engagement', '/guides/engagement'),
      page('Leases and streams', '/guides/leases'),
      page('Why not delivered?', '/guides/why-not-delivered'),
      page('Stripe on your machine', '/guides/local-stripe'),
      page('The console', '/guides/console'),
    ],
  },
  {
    text: 'Concepts',
    items: [
      page('The life of one event', '/concepts/lifecycle'),
      page('Delivery', '/concepts/delivery'),
      page('Membership', '/concepts/membership'),
      page('Glossary', '/concepts/glossary'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('The contract', '/CONTRACT'),
      page('HTTP calls', '/reference/http'),
      page('Device and edge sockets', '/reference/socket'),
      page('Events', '/reference/events'),
      page('Configuration', '/reference/configuration'),
      page('Errors', '/reference/errors'),
      page('Metrics', '/reference/metrics'),
      page('Command line', '/reference/command-line'),
    ],
  },
  {
    text: 'Clients',
    items: [
      page('Web, TV, Node', '/clients/web'),
      page('Android, JVM', '/clients/kotlin'),
      page('iOS, tvOS, macOS', '/clients/swift'),
      page('Python', '/clients/python'),
      page('Edge nodes', '/clients/edge'),
      page('Command line', '/clients/cli'),
    ],
  },
  {
    text: 'Operate',
    items: [
      page('Deploy', '/operate/deploy'),
      page('Connect', '/operate/connect'),
      page('The warehouse', '/operate/warehouse'),
      page('Scale', '/operate/scale'),
      page('Alerts', '/operate/alerts'),
      page('Backup and failover', '/operate/backup'),
      page('Upgrade', '/operate/upgrade'),
      page('Secrets and the audit', '/operate/secrets'),
      page('What fails', '/operate/failures'),
      page('Capacity', '/operate/capacity'),
    ],
  },
  {
    text: 'Project',
    items: [
      page('Decisions', '/decisions/'),
      page('Benchmarks', '/project/bench'),
      page('Changelog', '/project/changelog'),
      page('Contributing', '/project/contributing'),
    ],
  },
];
