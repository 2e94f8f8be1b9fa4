/*
 * A campaign to `--users` people in three audiences with duplicates; its worker processes are killed at statements of their slices, and it is paused and
 * resumed (campaigns/killed-campaign.mjs). Throws unless each person is reached exactly once. Run only when named.
 */
import { runKilledCampaign } from '../campaigns/killed-campaign.mjs';
import { newInstallation } from '../installation.mjs';

/** Statements of the work after which a worker is killed: while members are found, and then after some ten slices each. */
const KILLS_AT = [4, 23, 60, 91, 123, 154, 187, 220];

export async function campaignOnce({ environment, options }) {
  const campaign = await runKilledCampaign({
    databaseUrl: await newInstallation(environment.DATABASE_URL, 'campaign'),
    environment: { REDIS_URL: environment.REDIS_URL },
    people: options.users,
    killsAt: KILLS_AT,
    onKill: (n) => process.stdout.write(`${n + 1} `),
  });
  const { people, members, counted, found, duplicates, sharedAddresses, addresses, queued, events } =
    campaign;
  const { lost, doubled, whilePaused, kills, seconds } = campaign;
  const isOnce =
    members === people &&
    counted === people &&
    duplicates === found - people &&
    addresses === sharedAddresses;
  if (!isOnce || queued !== people - addresses || events !== queued || lost + doubled + whilePaused !== 0)
    throw new Error(`not exactly once: ${JSON.stringify(campaign)}`);
  return [
    { what: `people in three audiences, found ${found} times`, usher: people },
    { what: 'people who share a mail address with another one', usher: addresses },
    { what: 'people who were sent it', usher: queued },
    { what: 'events and messages too many, or missing', usher: lost + doubled },
    { what: 'people who were sent it while it was paused', usher: whilePaused },
    { what: `seconds, with ${kills.length} kills and a pause`, usher: seconds },
    ...kills.map((kill, n) => ({ what: `kill ${n + 1}: ${kill}`, usher: 1 })),
  ];
}
