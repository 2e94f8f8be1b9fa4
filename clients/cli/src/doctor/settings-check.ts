import { type Config, ConfigError, environment, readConfig } from '../../../../src/platform/config/config.js';
import { type Check, fail, ok, warn } from './check.js';

/** The settings that can be read, whatever is wrong with others. */
export type KnownSettings = Partial<Config>;

/** The variables by their names. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings as the server does at boot. */
export function checkSettings(env: Environment): Check[] {
  try {
    const config = readConfig(env);
    return [ok('settings', 'are complete: the server would boot with them'), ...recommendations(config)];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .map((sentence) =>
        fail('settings', sentence, 'docs/reference/configuration.md explains each setting.'),
      );
  }
}

/** Returns each setting that is valid by itself. */
export function knownSettings(env: Environment): KnownSettings {
  const known = Object.entries(environment.shape).flatMap(([name, schema]) => {
    const value = env[name]?.trim() === '' ? undefined : env[name];
    const parsed = schema.safeParse(value);
    return parsed.success ? [[name, parsed.data]] : [];
  });
  return Object.fromEntries(known) as KnownSettings;
}

function recommendations(config: Config): Check[] {
  const isProduction = config.NODE_ENV === 'production';
  return [
    ...(isProduction && config.ADMIN_KEY !== undefined
      ? [
          warn(
            'settings',
            'ADMIN_KEY is set',
            'Make keys with `usher keys create`, and unset it: it has every scope and never ends.',
          ),
        ]
      : []),
    ...(isProduction && config.LEASE_KEY_SECRET.length === 0
      ? [
          warn(
            'settings',
            'LEASE_KEY_SECRET is not set',
            'Set it: the keys that sign leases are in the database in the clear.',
          ),
        ]
      : []),
    ...(hasProcessor(config)
      ? []
      : [
          warn(
            'settings',
            'no payment processor is set up',
            'docs/operate/connect.md, "Connecting a payment processor".',
          ),
        ]),
    ...(hasPushService(config) ? [] : [withoutPushService(config)]),
  ];
}

const hasPushService = (config: Config): boolean =>
  Boolean(config.APNS_KEY || config.FCM_CREDENTIALS || config.VAPID_PRIVATE_KEY);

/** In development nothing is amiss: whoever tries Usher out has no account of a push service. */
const withoutPushService = ({ NODE_ENV }: Config): Check =>
  NODE_ENV === 'development'
    ? ok('settings', 'no push service is set up: in development the page shows what would be pushed')
    : warn(
        'settings',
        'no push service is set up',
        'Devices that are not connected get nothing: docs/operate/connect.md, "Connecting the push services".',
      );

const hasProcessor = (config: Config): boolean =>
  config.STRIPE_WEBHOOK_SECRET.length > 0 ||
  config.STANDARD_WEBHOOK_SECRET.length > 0 ||
  config.APPLE_BUNDLE_ID !== undefined ||
  config.GOOGLE_PACKAGE_NAME !== undefined;
