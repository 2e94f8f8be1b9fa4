import { useState } from 'react';
import { ApiError, call, segment } from '../api/api.js';
import type { Step, Timeline } from '../api/types.js';
import { useApi } from '../api/use-api.js';
import { ErrorNotice, Loading, Section } from '../components/parts.js';
import { Steps, stepKey } from './steps.js';

const PAGE = 50;
const EVERY_MS = 2_000;

/** Older steps that were asked for, behind the page that is live. */
interface Older {
  readonly steps: readonly Step[];
  readonly next: string | undefined;
}

/** What happened to a user. The newest steps are read every two seconds, until older ones are asked for. */
export function UserTimeline({ userId, devices }: { userId: string; devices: readonly string[] }) {
  const [older, setOlder] = useState<Older>();
  const [error, setError] = useState<ApiError>();
  const [device, setDevice] = useState('');
  const path = `/v1/users/${segment(userId)}/timeline?limit=${PAGE}`;
  const newest = useApi<Timeline>(path, older ? undefined : EVERY_MS);

  if (!newest.data) return <Loading error={newest.error} />;
  const steps = distinct([...newest.data.timeline, ...(older?.steps ?? [])]);
  const next = older ? older.next : newest.data.next;
  const readOlder = async () => {
    try {
      const page = await call<Timeline>(`${path}&before=${segment(next ?? '')}`);
      setOlder({ steps: [...(older?.steps ?? []), ...page.timeline], next: page.next });
      setError(undefined);
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : new ApiError(0, 'internal', String(failure)));
    }
  };
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
          {older ? (
            <button type="button" onClick={() => setOlder(undefined)}>
              Go live
            </button>
          ) : (
            <span className="live">live</span>
          )}
        </>
      }
    >
      <ErrorNotice error={newest.error ?? error} />
      {steps.length === 0 ? (
        <p className="quiet">Nothing has happened to this user, as far as is kept.</p>
      ) : (
        <Steps steps={steps} device={device === '' ? undefined : device} />
      )}
      {next !== undefined && (
        <button type="button" className="older" onClick={() => void readOlder()}>
          Older
        </button>
      )}
    </Section>
  );
}

/** A page that was read a moment later may repeat a step. */
function distinct(steps: readonly Step[]): Step[] {
  const byKey = new Map(steps.map((step) => [stepKey(step), step]));
  return [...byKey.values()];
}
