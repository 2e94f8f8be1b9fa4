import { useId, useState } from 'react';
import { segment } from '../api/api.js';
import type { Capabilities, PlanBody } from '../api/types.js';
import { Action } from '../components/action.js';
import { Check, Field } from '../components/field.js';
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
  plan: PlanBody & { readonly members?: number };
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
              <p>{consequence(plan, body)}</p>
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

function consequence(before: PlanBody & { readonly members?: number }, after: PlanBody): string {
  if (before.members === undefined) return '';
  if (JSON.stringify(before.capabilities) === JSON.stringify(after.capabilities))
    return 'No member notices it.';
  const seconds = span((1_000 * before.members) / ROLLED_OUT_PER_SECOND);
  return `${count(before.members)} members get a new version of their membership, on every device, within some ${seconds}. Running streams go on, as far as the new plan allows new ones.`;
}
