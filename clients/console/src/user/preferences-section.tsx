import type { ReactNode } from 'react';
import type { QuietHours, User } from '../api/types.js';
import { useNow } from '../components/now.js';
import { Facts, Section } from '../components/parts.js';
import { timeIn } from '../format.js';

/** What the user wants to be pushed, and whether it is in their quiet hours now, where each device is. */
export function PreferencesSection({ user: { preferences, devices } }: { user: User }) {
  const now = useNow();
  if (!preferences) return null;
  const { quietHours, oneDeviceIsEnough, categories } = preferences;
  const quietNow = quietHours
    ? devices
        .filter(({ timezone }) => isWithin(quietHours, timeIn(timezone ?? 'UTC', new Date(now))))
        .map(({ deviceId }) => deviceId)
    : [];
  return (
    <Section title="Preferences" note="Critical pushes are sent whatever is preferred.">
      <Facts
        of={[
          ['Quiet hours', quietHours && `${inWords(quietHours)}, in the time of each device`],
          ['Quiet now', quietNow.length === 0 ? undefined : quietNow.join(', ')],
          [
            'Seen once',
            oneDeviceIsEnough ? 'is not pushed to the other devices' : 'is still pushed to the other devices',
          ],
          ...Object.entries(categories).map(([name, { channels, quietHours: own }]): [string, ReactNode] => [
            name,
            [
              ...(channels?.push === undefined ? [] : [channels.push ? 'pushed' : 'not pushed']),
              ...(own === undefined ? [] : [own === null ? 'at any time' : `quiet ${inWords(own)}`]),
            ].join(', '),
          ]),
        ]}
      />
    </Section>
  );
}

const inWords = ({ start, end }: QuietHours): string => `${start} to ${end}`;

/** Whether a time of day, as 22:30, is within the hours, which may go over midnight. */
const isWithin = ({ start, end }: QuietHours, time: string | undefined): boolean =>
  time !== undefined && (start < end ? start <= time && time < end : start <= time || time < end);
