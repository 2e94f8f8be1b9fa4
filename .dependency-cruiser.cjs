/*
 * The layer rules: `src/` reads as the story of one event, and imports run along it. WHY something must be told (membership,
 * entitlements, playback, recommendations) → WHAT is told (mailbox) ← HOW it reaches a device (delivery, live, push), and all
 * of them stand on the ground (devices, platform). Each rule gives its reason; `npm run check` holds them.
 */
const why = '^src/(membership|entitlements|playback|recommendations)/';
const what = '^src/mailbox/';
const how = '^src/(delivery|live|push)/';
const story = '^src/(membership|entitlements|playback|recommendations|mailbox|delivery|live|push)/';
const spec = '\\.spec\\.ts$';
const pure = '/[^/.]+\\.ts$'; // no suffix: a rule in plain TypeScript
// Not rules although they have no suffix: the ground's own machinery, the boot, and the adapter of Socket.IO.
const notARule =
  '^src/(platform|development|generated)/|^src/(main|boot)\\.ts$|^src/live/[^/]*adapter[^/]*\\.ts$';
const npm = (...names) => `(^|/)node_modules/(${names.join('|')})/`;
const databases = `^src/generated/prisma/|${npm('@prisma/[^/]+', 'pg', 'ioredis')}`;
const prisma = '^src/platform/.*prisma[^/]*\\.ts$';
const connections = '^src/platform/.*(prisma|database|redis)[^/]*\\.ts$';

const rule = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });
const never = (name, comment, from, to) => rule(name, comment, { path: from, pathNot: spec }, { path: to });

module.exports = {
  forbidden: [
    // The direction of the story
    never(
      'why-knows-no-how',
      'A reason writes into the mailbox and is done. If it also sent, a crash between the two would lose what was promised: write before send.',
      why,
      how,
    ),
    never(
      'what-knows-no-why',
      'The mailbox keeps what it is given; if it knew the reasons, each new one would change it.',
      what,
      why,
    ),
    never(
      'what-knows-no-how',
      'The mailbox is the truth that senders read; if it called them, a slow device could hold up a write.',
      what,
      how,
    ),
    never(
      'how-knows-no-why',
      'A sender delivers any event; one that knew memberships could decide something that the tables did not.',
      how,
      why,
    ),
    never(
      'membership-first',
      'Membership is the root of what a user may do; nothing that follows from it may flow back into it.',
      '^src/membership/',
      '^src/(entitlements|playback|recommendations)/',
    ),
    never(
      'entitlements-after-membership',
      'Among the reasons only playback → entitlements → membership.',
      '^src/entitlements/',
      '^src/(playback|recommendations)/',
    ),
    never(
      'playback-asks-entitlements',
      'Whether a user may watch is answered in one place; playback that read memberships itself would answer it twice, and differently one day.',
      '^src/playback/',
      '^src/(membership|recommendations)/',
    ),
    never(
      'recommendations-alone',
      'The nightly load must be able to fail, or be shed, without touching the rest.',
      '^src/recommendations/',
      '^src/(membership|entitlements|playback)/',
    ),
    never(
      'delivery-knows-no-channel',
      'Delivery owns the port; app.module.ts decides who implements it. A new channel changes nothing here.',
      '^src/delivery/',
      '^src/(live|push)/',
    ),
    never(
      'live-knows-no-push',
      'A channel knows nothing of the others; falling back is delivery’s decision.',
      '^src/live/',
      '^src/push/',
    ),
    never(
      'push-knows-no-live',
      'A channel knows nothing of the others; falling back is delivery’s decision.',
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
      'platform-knows-no-story',
      'Platform must be readable, and replaceable, without knowing what Usher is for.',
      '^src/platform/',
      `${story}|^src/devices/`,
    ),
    rule(
      'development-is-a-leaf',
      'The demo page’s back end signs webhooks and shows secrets; only app.module.ts, which leaves it out in production, may know it.',
      { path: '^src/', pathNot: '^src/(development/|app\\.module\\.ts$)' },
      { path: '^src/development/' },
    ),
    rule(
      'timeline-is-a-leaf',
      'It explains what the rooms did, and reads all of their tables; a room that asked it would close every circle at once.',
      { path: '^src/', pathNot: '^src/(timeline/|app\\.module\\.ts$)' },
      { path: '^src/timeline/' },
    ),
    rule(
      'rooms-know-no-boot',
      'The table of contents lists the rooms; a room that read it could reach everything.',
      { path: '^src/.+/', pathNot: spec },
      { path: '^src/(main|app\\.module)\\.ts$' },
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
      'A statement outside a store cannot be found when the schema changes. Stores and platform alone; the Socket.IO adapter is the named exception.',
      {
        path: '^src/',
        pathNot: `^src/(platform|generated)/|\\.store\\.ts$|^src/live/[^/]*adapter[^/]*\\.ts$|${spec}`,
      },
      { path: databases },
    ),
    rule(
      'edges-have-no-connection',
      'An edge makes one call. With a connection in hand the second statement, outside any transaction, is a day away.',
      { path: '\\.(controller|gateway|sender)\\.ts$', pathNot: '^src/platform/health/' },
      { path: connections },
    ),
    never(
      'services-have-no-prisma',
      'An act may open a transaction and hand it to its stores; a statement in it would hide the conflict that a store settles.',
      '\\.(service|worker)\\.ts$',
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
      '\\.(service|worker)\\.ts$',
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
        path: '^src/.*\\.(store|service|worker|controller|gateway|sender|module|guard|filter|interceptor)\\.ts$',
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
      'An image without development packages must start.',
      { path: '^src/', pathNot: spec },
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
