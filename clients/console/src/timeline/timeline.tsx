import { useState } from 'react';
import { segment } from '../api/api.js';
import type { Step } from '../api/types.js';
import { usePages } from '../api/use-pages.js';
import { ErrorNotice, Loading, Section } from '../components/parts.js';
import { More } from '../components/more.js';
import { Steps, stepKey } from './steps.js';

const PAGE = 50;
const EVERY_MS = 2_000;

/** What happened to a user. The newest steps are read every two seconds, until older ones are asked for. */
export function UserTimeline({ userId, devices }: { userId: string; devices: readonly string[] }) {
  const [device, setDevice] = useState('');
  const path = `/v1/users/${segment(userId)}/timeline?limit=${PAGE}`;
  const pages = usePages<Step>(path, { list: 'timeline', everyMs: EVERY_MS });
  const { items, error, isLive, goLive } = pages;
  if (!items) return <Loading error={error} />;
  return (
    <Section
      title="Timeline"
      actions={
        <>
          <label className="inline">
            Device{' '}
            <select value={device} onChange={(event) => setDevice(event.target.value)}>
              <option value="">all</option>
              {devices.map((id) => (
                <option key={id}>{id}</option>
              ))}
            </select>
          </label>
          {isLive ? (
            <span className="live">live</span>
          ) : (
            <button type="button" onClick={goLive}>
              Go live
            </button>
          )}
        </>
      }
    >
      <ErrorNotice error={error} />
      {items.length === 0 ? (
        <p className="quiet">Nothing has happened to this user, as far as is kept.</p>
      ) : (
        <Steps userId={userId} steps={distinct(items)} device={device === '' ? undefined : device} />
      )}
      <More pages={pages} label="Older" />
    </Section>
  );
}

/** A page that was read a moment later may repeat a step. */
function distinct(steps: readonly Step[]): Step[] {
  const byKey = new Map(steps.map((step) => [stepKey(step), step]));
  return [...byKey.values()];
}
