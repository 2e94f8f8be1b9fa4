/** How many there are of something, by the place that tells it. */
export interface CountedThing extends Readonly<Record<string, number | string | boolean>> {
  readonly what: string;
  readonly isEqual: boolean;
}
export interface Story {
  readonly rows: readonly CountedThing[];
  readonly again: { readonly push: number; readonly email: number };
  readonly unwritten: { readonly push: number; readonly email: number };
  readonly doubled: number;
  readonly sent: { readonly push: number; readonly email: number };
  readonly whilePaused: number;
  readonly kills: readonly string[];
  readonly records: number;
  readonly recordsTwice: number;
  readonly seconds: number;
}
export function tellStory(options: {
  readonly databaseUrl: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly people: number;
  readonly seed: number;
  readonly workers: number;
  readonly killEveryMs: number;
  readonly mostKills?: number;
  readonly perSecond: number;
  readonly isHurried?: boolean;
  readonly hasWarehouse?: boolean;
  readonly onStep?: (step: string) => void;
}): Promise<Story>;
