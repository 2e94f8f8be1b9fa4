export interface Week {
  readonly expected: number;
  readonly made: number;
  readonly missing: number;
  readonly doubled: number;
  readonly unexpected: number;
  readonly lost: number;
  readonly empty: number;
  readonly kills: Readonly<Record<string, number>>;
}
export function nextAutumn(now?: Date): number;
export function simulateWeek(options: {
  readonly databaseUrl: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly users: number;
  readonly zones?: readonly string[];
  readonly begins?: number;
  readonly steps: readonly number[];
  readonly killedIn?: readonly number[];
  readonly eventsEach?: number;
  readonly seed?: number;
  readonly onStep?: (step: number) => void;
}): Promise<Week>;
