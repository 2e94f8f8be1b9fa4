import { UsageFailure } from '../failures.js';
import type { Terminal } from '../terminal.js';
import { readEnvironmentFile } from './environment-file.js';
import { Profiles } from './profiles.js';

/** Where `npm start` listens unless it is told otherwise. */
const DEFAULT_URL = 'http://127.0.0.1:3000';

/** What commands need to know, by the names of the environment variables. */
const NAMES = [
  'USHER_SERVICE_KEY',
  'USHER_TOKEN',
  'USHER_JWT_SECRET',
  'STRIPE_WEBHOOK_SECRET',
  'STANDARD_WEBHOOK_SECRET',
  'USHER_DATABASE_URL',
  'USHER_REDIS_URL',
] as const;
/** One of NAMES. */
export type SettingName = (typeof NAMES)[number];

/** What every command may be told on its command line. */
export interface GlobalOptions {
  readonly url?: string;
  readonly profile?: string;
  readonly json?: boolean;
  readonly reason?: string;
}

/** Some of the settings, from one place. */
interface Source {
  readonly name: string;
  readonly url?: string | undefined;
  readonly values: Readonly<Partial<Record<SettingName, string>>>;
}

/** Where Usher is, and the credentials for it. */
export class Settings {
  readonly url: string;
  private readonly sources: readonly Source[];

  private constructor(url: string, sources: readonly Source[]) {
    this.url = url;
    // A secret is only ever sent to the Usher beside which it is written: one of a source that names another URL is not used.
    this.sources = sources.filter((source) => source.url === undefined || normalize(source.url) === url);
  }

  /** Reads, each before the next: the command line, the environment, the profile, `.usher/env`. Throws UsageFailure. */
  static read(options: GlobalOptions, terminal: Terminal): Settings {
    const profile = new Profiles(terminal).find(options.profile);
    const ofProfile: Source[] = profile
      ? [
          {
            name: 'profile',
            url: profile.url,
            values: { ...(profile.serviceKey && { USHER_SERVICE_KEY: profile.serviceKey }) },
          },
        ]
      : [];
    const ofEnvironment = [fromVariables('environment', terminal.env)];
    const sources: Source[] = [
      { name: '--url', url: options.url, values: {} },
      // A profile that is named on the command line counts as said there.
      ...(options.profile === undefined
        ? [...ofEnvironment, ...ofProfile]
        : [...ofProfile, ...ofEnvironment]),
      fromVariables('.usher/env', readEnvironmentFile(terminal.cwd)),
    ];
    const url = sources.find((source) => source.url !== undefined)?.url ?? DEFAULT_URL;
    return new Settings(normalize(url), sources);
  }

  get(name: SettingName): string | undefined {
    return this.sources.find(({ values }) => values[name] !== undefined)?.values[name];
  }

  /** Throws UsageFailure when it is not set; `what` says what it is. */
  need(name: SettingName, what: string): string {
    const value = this.get(name);
    if (value !== undefined) return value;
    throw new UsageFailure(
      `This needs ${what}, and ${name} is not set for ${this.url}.\n\`npm start\` writes it to .usher/env; elsewhere set it in the environment${
        name === 'USHER_SERVICE_KEY' ? ', or `usher profile add`' : ''
      }.`,
    );
  }
}

/** Empty variables count as not set, as they do for the server. */
function fromVariables(name: string, variables: Readonly<Record<string, string | undefined>>): Source {
  const values = NAMES.flatMap((one) => (variables[one] ? [[one, variables[one]]] : []));
  return { name, url: variables['USHER_URL'] || undefined, values: Object.fromEntries(values) };
}

function normalize(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && /^https?:$/.test(parsed.protocol)) return parsed.href.replace(/\/+$/, '');
  throw new UsageFailure(`${url} is not a URL of Usher: it begins with https:// or http://.`);
}
