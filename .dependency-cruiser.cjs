/*
 * The layer rules: `src/` reads as the story of one event, and imports run along it. The features (what makes an event) → mailbox (where
 * it is kept) ← cluster (which nodes must know) ← delivery (after the commit) ← live, push (the ways to devices); all of them stand on
 * devices and platform. Each rule gives its reason; `npm run check` holds them.
 */
const features =
  '^src/(membership|entitlements|streams|playback|recommendations|digests|audiences|campaigns)/';
const mailbox = '^src/mailbox/';
const broadcasts = '^src/broadcasts/';
const cluster = '^src/cluster/';
const delivery = '^src/delivery/';
const ways = '^src/(live|push|messages)/';
const story =
  '^src/(membership|entitlements|streams|playback|recommendations|digests|audiences|campaigns|mailbox|broadcasts|cluster|delivery|live|push|messages)/';
const spec = '\\.spec\\.ts$';
const pure = '/[^/.]+\\.ts$'; // no suffix: a rule in plain TypeScript
// Not rules although they have no suffix: platform's machinery, the demo, the boot, registries (they list classes), and what speaks to
// sockets and providers directly.
const notARule =
  '^src/(platform|demo|generated)/|^src/(main|boot)\\.ts$|^src/live/socketio/|/registry\\.ts$|^src/push/providers/webpush/ssrf-safe-agent\\.ts$';
const npm = (...names) => `(^|/)node_modules/(${names.join('|')})/`;
const databases = `^src/generated/prisma/|${npm('@prisma/[^/]+', 'pg', 'ioredis')}`;
const prisma = '^src/platform/.*prisma[^/]*\\.ts$';
const connections = '^src/platform/(postgres/(prisma|database)|redis/redis)[^/]*\\.ts$';

const rule = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });
const never = (name, comment, from, to) => rule(name, comment, { path: from, pathNot: spec }, { path: to });

module.exports = {
  forbidden: [
    // The direction of the story
    never(
      'features-know-no-delivery',
      'A feature writes into the mailbox and is done. If it also sent, a crash between the two would lose what was promised: write before send.',
      features,
      `${cluster}|${delivery}|${ways}`,
    ),
    never(
      'mailbox-knows-no-feature',
      'The mailbox keeps what it is given; if it knew who writes, each new feature would change it.',
      mailbox,
      features,
    ),
    never(
      'mailbox-knows-no-delivery',
      'The mailbox is the truth that senders read; if it called them, a slow device could hold up a write.',
      mailbox,
      `${cluster}|${delivery}|${ways}`,
    ),
    never(
      'broadcasts-know-no-delivery',
      'The log is read by whoever sends; if it called senders or features, a slow device or a new feature would be its matter.',
      broadcasts,
      `${features}|${cluster}|${delivery}|${ways}`,
    ),
    never(
      'mailbox-knows-no-broadcasts',
      'A mailbox is of one user; what is said to everyone lies beside it.',
      mailbox,
      broadcasts,
    ),
    never(
      'cluster-knows-nodes-only',
      'It carries encoded events between nodes; what they mean and what becomes of them is not its matter.',
      cluster,
      `${features}|${broadcasts}|${delivery}|${ways}`,
    ),
    never(
      'delivery-knows-no-feature',
      'A sender delivers any event; one that knew memberships could decide something that the tables did not.',
      `${delivery}|${ways}`,
      features,
    ),
    never(
      'delivery-knows-no-way',
      'Delivery publishes what is due to devices; the ways to them subscribe. A new way changes nothing here.',
      delivery,
      ways,
    ),
    never(
      'membership-first',
      'Membership is the root of what a user may do; nothing that follows from it may flow back into it.',
      '^src/membership/',
      '^src/(entitlements|streams|playback|recommendations)/',
    ),
    never(
      'features-in-order',
      'Among the features only playback → streams → entitlements → membership.',
      '^src/entitlements/',
      '^src/(streams|playback|recommendations)/',
    ),
    never(
      'streams-after-entitlements',
      'A stream follows from what its user may do, and playback renews it; never the other way round.',
      '^src/streams/',
      '^src/(playback|recommendations)/',
    ),
    never(
      'playback-asks-streams',
      'Whether a user may watch is answered in one place; playback that read memberships itself would answer it twice, and differently one day.',
      '^src/playback/',
      '^src/(membership|entitlements|recommendations)/',
    ),
    never(
      'recommendations-alone',
      'The nightly load must be able to fail, or be shed, without touching the rest.',
      '^src/recommendations/',
      '^src/(membership|entitlements|streams|playback)/',
    ),
    never(
      'digests-alone',
      'A digest tells of what the mailbox has, whoever put it there; one that knew the features would need a change for each of them.',
      '^src/digests/',
      '^src/(membership|entitlements|streams|playback|recommendations)/',
    ),
    never(
      'no-feature-knows-digests',
      'A feature publishes its events; whether they are told at once or in the evening is for the user to say.',
      '^src/(membership|entitlements|streams|playback|recommendations)/',
      '^src/digests/',
    ),
    never(
      'audiences-know-no-campaign',
      'An audience says who somebody is; what they are told, and when, is for others to say.',
      '^src/audiences/',
      '^src/(campaigns|digests|recommendations|streams|entitlements)/',
    ),
    never(
      'campaigns-ask-audiences',
      'Whom a campaign is for follows from its audiences alone; one that read memberships itself would find other people than their estimate.',
      '^src/campaigns/',
      '^src/(membership|entitlements|streams|playback|recommendations|digests)/',
    ),
    never(
      'no-feature-knows-campaigns',
      'A feature goes on whether or not anybody advertises it.',
      '^src/(membership|entitlements|streams|playback|recommendations|digests)/',
      '^src/(campaigns|audiences)/',
    ),
    never(
      'live-knows-no-push',
      'One way to devices knows nothing of the other; push falls back by what receipts say.',
      '^src/live/',
      '^src/push/',
    ),
    never(
      'push-knows-no-live',
      'One way to devices knows nothing of the other; push falls back by what receipts say.',
      '^src/push/',
      '^src/live/',
    ),
    never(
      'devices-know-no-story',
      'Every room asks which devices a user has; asking back would be a cycle, and cycles crash at load under ESM.',
      '^src/devices/',
      story,
    ),
    never(
      'templates-know-no-story',
      'Whoever has something to say asks for the words; templates that knew who asks would change with each of them.',
      '^src/templates/',
      `${story}|^src/(devices|contacts)/`,
    ),
    never(
      'platform-knows-no-story',
      'Platform must be readable, and replaceable, without knowing what Usher is for.',
      '^src/platform/',
      `${story}|^src/(devices|templates)/`,
    ),
    rule(
      'demo-is-a-leaf',
      'The demo page’s back end signs webhooks and shows secrets. Only its own boot.ts loads it, so that it is not in what runs in production.',
      { path: '^src/', pathNot: '^src/demo/' },
      { path: '^src/demo/' },
    ),
    rule(
      'engagement-is-a-leaf',
      'It counts what came of what the others sent; whoever sends asks by an interface of its own whether links are to be counted.',
      {
        path: '^src/',
        pathNot: '^src/(engagement/|app\\.module\\.ts$|(retention-and-erasure|captured-tables)\\.ts$)',
      },
      { path: '^src/engagement/' },
    ),
    never(
      'engagement-knows-no-feature',
      'What people do with a message says nothing of what they pay for or watch; only campaigns say what they hope for, and queues what was delivered.',
      '^src/engagement/',
      '^src/(membership|entitlements|streams|playback|recommendations|digests|audiences|live|timeline|operations|console)/',
    ),
    rule(
      'timeline-is-a-leaf',
      'It explains what the rooms did, and reads all of their tables; a room that asked it would close every circle at once.',
      { path: '^src/', pathNot: '^src/(timeline/|app\\.module\\.ts$)' },
      { path: '^src/timeline/' },
    ),
    rule(
      'operations-is-a-leaf',
      'It says how all rooms are, and reads all of their tables; a room that asked it would close every circle at once.',
      { path: '^src/', pathNot: '^src/(operations/|app\\.module\\.ts$)' },
      { path: '^src/operations/' },
    ),
    rule(
      'warehouse-is-a-leaf',
      'What goes out is read from PostgreSQL’s log; a room that called the warehouse would wait for files.',
      { path: '^src/', pathNot: '^src/(warehouse/|app\\.module\\.ts$|retention-and-erasure\\.ts$)' },
      { path: '^src/warehouse/' },
    ),
    never(
      'warehouse-knows-no-story',
      'It writes any table that a folder lists; one that knew their meaning would change with each of them.',
      '^src/warehouse/',
      `${story}|^src/(devices|contacts|templates|timeline|operations)/`,
    ),
    rule(
      'console-is-a-leaf',
      'The console reads by the public calls, as every back office does; what only it could do, nobody could do without it.',
      { path: '^src/', pathNot: '^src/(console/|app\\.module\\.ts$)' },
      { path: '^src/console/' },
    ),
    never(
      'console-knows-no-story',
      'The console reads by the public calls, as every back office does; what only it could do, nobody could do without it.',
      '^src/console/',
      `${story}|^src/(devices|timeline)/`,
    ),
    rule(
      'rooms-know-no-boot',
      'The table of contents lists the rooms; a room that read it could reach everything.',
      { path: '^src/.+/', pathNot: `^src/demo/boot\\.ts$|${spec}` },
      { path: '^src/(main|boot|app\\.module)\\.ts$' },
    ),
    rule(
      'no-cycles',
      'With decorator metadata under ESM a cycle reads a class before it exists, and the process crashes at load.',
      { pathNot: '^src/generated/' },
      { circular: true },
    ),

    // What a file's suffix allows
    rule(
      'only-stores-touch-databases',
      'A statement outside a store cannot be found when the schema changes. Stores and platform alone.',
      {
        path: '^src/',
        pathNot: `^src/(platform|generated)/|\\.store\\.ts$|${spec}`,
      },
      { path: databases },
    ),
    rule(
      'edges-have-no-connection',
      'An edge makes one call. With a connection in hand the second statement, outside any transaction, is a day away.',
      {
        path: '\\.(controller|gateway|sender|client|provider|processor|transport)\\.ts$',
        pathNot: '^src/platform/health/',
      },
      { path: connections },
    ),
    never(
      'services-have-no-prisma',
      'An act may open a transaction and hand it to its stores; a statement in it would hide the conflict that a store settles.',
      '\\.(service|worker|command)\\.ts$',
      prisma,
    ),
    never(
      'stores-stand-alone',
      'A store that calls another hides which transaction both are in; the service composes them.',
      '\\.store\\.ts$',
      '\\.store\\.ts$',
    ),
    never(
      'stores-know-no-transport',
      'What is stored must not depend on who asked.',
      '\\.store\\.ts$',
      npm('@nestjs/platform-.+', '@nestjs/websockets', 'express', 'socket\\.io'),
    ),
    never(
      'services-know-no-vendor',
      'A vendor changes its library when it likes; that may break its folder’s edge, never the act.',
      '\\.(service|worker|command)\\.ts$',
      npm('stripe', 'apns2', 'firebase-admin', 'web-push', 'express', 'socket\\.io', '@types/express'),
    ),
    rule(
      'rules-are-pure',
      'A rule is tested by calling it. With a framework, a database, a socket or the network in it, it is tested by starting all of them.',
      { path: pure, pathNot: notARule },
      {
        path: `${databases}|${npm('@nestjs/[^/]+', 'nestjs-pino', 'socket\\.io', 'express')}|^(node:)?(fs|net|http|https|http2|tls|dgram|child_process|worker_threads|cluster)(/promises)?$`,
      },
    ),
    rule(
      'rules-know-no-act',
      'A rule that knows who uses it is no rule; and the clock and the environment would come in by that door.',
      { path: pure, pathNot: notARule },
      {
        path: '^src/.*\\.(store|service|worker|command|controller|gateway|sender|client|provider|processor|transport|module|guard|filter|interceptor)\\.ts$',
      },
    ),
    rule(
      'schemas-know-zod-only',
      'The wire’s shape is read by the server, the documentation and the clients alike; whatever it imports, all of them need.',
      { path: '\\.schema\\.ts$' },
      { pathNot: `${npm('zod')}|\\.schema\\.ts$|${pure}` },
    ),
    rule(
      'environment-in-one-place',
      'What is read once and checked at boot cannot be wrong at night. (`process.env` itself is the linter’s rule.)',
      { path: '^src/', pathNot: `^src/(platform/config|generated)/|${spec}` },
      { path: '^(node:)?process$' },
    ),

    // What may be imported at all
    rule(
      'found',
      'An import that cannot be resolved is not checked by any rule above.',
      {},
      { couldNotResolve: true },
    ),
    rule(
      'declared',
      'A package that only another package brings may be gone, or another version, after the next install.',
      { path: '^src/' },
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    ),
    rule(
      'installed-in-production',
      'An image without development packages must start. (The demo page is not started there.)',
      { path: '^src/', pathNot: `^src/demo/|${spec}` },
      { dependencyTypes: ['npm-dev'], pathNot: npm('@types/[^/]+', 'express', 'ws') }, // of these the types alone, which vanish
    ),
    rule(
      'src-stands-alone',
      'What is shipped must not need what is not.',
      { path: '^src/', pathNot: spec },
      { path: '^(test|tools|bench)/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true, // also what is imported as a type only: knowing is knowing
    parser: 'swc', // it does not know TypeScript 6 yet, and would guess imports with a loose parser: some wrong, some missed
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
