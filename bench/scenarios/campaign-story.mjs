/*
 * A campaign to `--users` people from its audiences to the warehouse, while workers are killed every ten seconds, with a pause, and with people who open, tap and buy
 * (campaigns/story/). Throws unless all places tell the same. Run only when named. With dbt, if `npm run test:warehouse` has made its environment.
 */
import { join } from 'node:path';
import { hasWarehouse } from '../campaigns/story/warehouse.mjs';
import { tellStory } from '../campaigns/story/story.mjs';
import { startPostgres } from '../../tools/databases/postgres.mjs';
import { migrate } from '../../tools/migrate.mjs';
import { throwAwayFolder } from '../../tools/places.mjs';

const WORKERS = 2;
/** How long each lives, at most: one of them dies every ten seconds. */
const KILL_EVERY_MS = WORKERS * 10_000;
/** The campaign lasts for so long at least, so that workers die meanwhile. */
const LASTS_SECONDS = 90;
const MOST_PER_SECOND = 500;

export async function campaignStory({ environment, options }) {
  const { users: people, seed } = options;
  // The bench's own has no log that can be read.
  const postgres = await startPostgres({
    dataDir: join(throwAwayFolder('bench'), 'postgres'),
    durable: false,
    more: ['wal_level=logical'],
  });
  try {
    await migrate(postgres.url);
    const story = await tellStory({
      databaseUrl: postgres.url,
      environment: { REDIS_URL: environment.REDIS_URL, LOG_LEVEL: 'error' },
      people,
      seed,
      workers: WORKERS,
      killEveryMs: KILL_EVERY_MS,
      perSecond: Math.min(MOST_PER_SECOND, Math.ceil(people / LASTS_SECONDS)),
      hasWarehouse: hasWarehouse(),
      onStep: (step) => process.stdout.write(`${step}, `),
    });
    return rowsOf(story, people, seed);
  } finally {
    await postgres.stop();
  }
}

function rowsOf(story, people, seed) {
  const { rows, kills, again, unwritten, doubled, whilePaused, records, recordsTwice, seconds } = story;
  console.log(`\nseed ${seed}; workers died: ${kills.join(', ')}\n${tableOf(rows)}`);
  const different = rows.filter(({ isEqual }) => !isEqual).map(({ what }) => what);
  if (different.length + doubled + whilePaused + recordsTwice > 0)
    throw new Error(`not equal: ${JSON.stringify({ different, doubled, whilePaused, recordsTwice })}`);
  return [
    { what: 'people in three audiences', usher: people },
    { what: `seconds, in which ${kills.length} workers were killed`, usher: seconds },
    { what: 'things that all places count alike', usher: rows.length },
    { what: 'people who were told twice by Usher', usher: doubled },
    {
      what: 'pushes that a provider got again, with their id, since a worker died after it sent them',
      usher: again.push,
    },
    { what: 'mails that came again likewise', usher: again.email },
    {
      what: 'pushes that a provider has, and Usher does not know of for the same reason',
      usher: unwritten.push,
    },
    { what: 'mails likewise', usher: unwritten.email },
    { what: 'people who were told while it was paused', usher: whilePaused },
    { what: 'records in the raw zone, each once', usher: records },
  ];
}

const PLACES = [
  'people',
  'campaign',
  'tables',
  'raw zone',
  'warehouse',
  'analytics',
  'events',
  'raw events',
  'fct_engagement',
];

/** As Markdown. */
function tableOf(rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const places = PLACES.filter((place) => rows.some((row) => row[place] !== undefined));
  return [
    line(['', ...places, 'equal']),
    line(['---', ...places.map(() => '---:'), '---']),
    ...rows.map((row) =>
      line([row.what, ...places.map((place) => row[place] ?? ''), row.isEqual ? 'yes' : 'NO']),
    ),
  ].join('\n');
}
