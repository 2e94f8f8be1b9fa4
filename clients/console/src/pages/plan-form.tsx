import { useEffect, useId, useState } from 'react';
import { ApiError, call, segment } from '../api/api.js';
import type { Capabilities, PlanBody, PlanPreview } from '../api/types.js';
import { Action } from '../components/action.js';
import { Check, Field } from '../components/field.js';
import { Loading } from '../components/parts.js';
import { count, span } from '../format.js';
import { inWords } from './plans.js';

/** Members that get new capabilities in a second (docs/CONTRACT.md, "Plans, links, keys"). */
const ROLLED_OUT_PER_SECOND = 2_000;

/** The fields of a plan. Before it is saved it says what changes, and for whom. Without a `planId` it makes a new one. */
export function PlanForm({
  planId,
  plan,
  onDone,
}: {
  planId?: string;
  plan: PlanBody;
  onDone: (planId: string) => void;
}) {
  const [id, setId] = useState(planId ?? '');
  const [name, setName] = useState(plan.name);
  const [prices, setPrices] = useState(plan.prices.join('\n'));
  const [capabilities, setCapabilities] = useState(plan.capabilities);
  const pricesId = useId();
  const set = (change: Partial<Capabilities>) => setCapabilities((before) => ({ ...before, ...change }));
  const body: PlanBody = { name, prices: prices.split(/\s+/).filter(Boolean), capabilities };
  // A new plan may come with the price that somebody waits for.
  const changes = changesOf(planId === undefined ? { ...plan, prices: [] } : plan, body);
  return (
    <div className="form">
      {planId === undefined && (
        <Field label="Id" value={id} onChange={setId} required note="1 to 64 of A-Z a-z 0-9 _ . : -" />
      )}
      <Field label="Name" value={name} onChange={setName} required />
      <div className="field">
        <label htmlFor={pricesId}>Prices, as the payment processors call them, one a line</label>
        <textarea
          id={pricesId}
          rows={3}
          value={prices}
          spellCheck={false}
          onChange={(event) => setPrices(event.target.value)}
        />
      </div>
      <Check
        label="Streaming"
        checked={capabilities.streaming}
        onChange={(streaming) => set({ streaming })}
      />
      <Field
        label="Streams at once"
        type="number"
        value={String(capabilities.maxStreams)}
        onChange={(text) => set({ maxStreams: Math.max(0, Math.trunc(Number(text))) })}
      />
      <Field
        label="Best quality"
        value={String(capabilities.maxQuality)}
        onChange={(maxQuality) => set({ maxQuality })}
      />
      <Check
        label="Downloads"
        checked={capabilities.downloads}
        onChange={(downloads) => set({ downloads })}
      />
      <Check label="Ads" checked={capabilities.ads} onChange={(ads) => set({ ads })} />
      <div className="actions">
        <Action
          label={planId === undefined ? 'Create plan' : 'Save plan'}
          explanation={
            <>
              {changes.length === 0 ? (
                <p>Nothing changes.</p>
              ) : (
                <ul className="changes">
                  {changes.map((change) => (
                    <li key={change}>{change}</li>
                  ))}
                </ul>
              )}
              <Consequence path={`/v1/plans/${segment(id.trim())}`} body={body} />
            </>
          }
          path={`/v1/plans/${segment(id.trim())}`}
          call={{ method: 'PUT', body }}
          done={() => 'The plan is saved.'}
          onDone={() => onDone(id.trim())}
        />
      </div>
    </div>
  );
}

/** What is different in the new plan, a sentence each. */
function changesOf(before: PlanBody, after: PlanBody): string[] {
  const added = after.prices.filter((price) => !before.prices.includes(price));
  const removed = before.prices.filter((price) => !after.prices.includes(price));
  const [was, is] = [inWords(before.capabilities), inWords(after.capabilities)];
  return [
    ...(before.name === after.name ? [] : [`The name: ${before.name || 'none'} → ${after.name}`]),
    ...added.map((price) => `The price ${price} is added; webhooks that wait for it are applied.`),
    ...removed.map((price) => `The price ${price} is removed; webhooks that name it wait.`),
    ...(was === is ? [] : [`It allows: ${was} → ${is}`]),
  ];
}

/** For whom the change is so, as the server says it. */
function Consequence({ path, body }: { path: string; body: PlanBody }) {
  const [preview, setPreview] = useState<PlanPreview>();
  const [error, setError] = useState<ApiError>();
  const wanted = JSON.stringify(body);
  useEffect(() => {
    const stopped = new AbortController();
    const parsed: unknown = JSON.parse(wanted);
    call<PlanPreview>(`${path}/preview`, { method: 'POST', body: parsed, signal: stopped.signal }).then(
      setPreview,
      (failure: unknown) => {
        if (failure instanceof ApiError) setError(failure);
      },
    );
    return () => stopped.abort();
  }, [path, wanted]);
  if (!preview) return <Loading error={error} />;
  const { takenPrices } = preview;
  return (
    <>
      {takenPrices.length > 0 && <p>Another plan has {takenPrices.join(', ')}: this will be refused.</p>}
      <p>{consequenceOf(preview)}</p>
    </>
  );
}

function consequenceOf({ action, affected, members }: PlanPreview): string {
  if (action === 'create') return 'It has no members yet.';
  if (affected === 0) return 'No member notices it.';
  const byStatus = members.map(({ status, count: number }) => `${count(number)} ${status}`).join(', ');
  const seconds = span((1_000 * affected) / ROLLED_OUT_PER_SECOND);
  return `${count(affected)} members (${byStatus}) get a new version of their membership, on every device, within some ${seconds}. Running streams go on, as far as the new plan allows new ones.`;
}
