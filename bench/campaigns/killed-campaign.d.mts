export interface KilledCampaign {
  readonly people: number;
  /** Of all audiences together. */
  readonly found: number;
  readonly sharedAddresses: number;
  readonly counted: number;
  readonly duplicates: number;
  readonly members: number;
  readonly addresses: number;
  readonly queued: number;
  readonly byMail: number;
  readonly byPush: number;
  readonly events: number;
  readonly readers: number;
  readonly mails: number;
  readonly pushes: number;
  readonly lost: number;
  readonly doubled: number;
  readonly whilePaused: number;
  readonly seconds: number;
  readonly kills: readonly string[];
}
export function runKilledCampaign(options: {
  readonly databaseUrl: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly people: number;
  readonly killsAt: readonly number[];
  readonly onKill?: (n: number) => void;
}): Promise<KilledCampaign>;
