import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  CAMPAIGN_MOVES,
  CAMPAIGN_STATES,
  type CampaignAct,
  type CampaignState,
  stateAfter,
} from './campaign-moves.js';

const acts = Object.keys(CAMPAIGN_MOVES) as CampaignAct[];
const walk = fc.array(fc.constantFrom(...acts), { maxLength: 30 });
/** The states that a draft goes through; acts that are not allowed change nothing. */
function statesOf(of: readonly CampaignAct[]): CampaignState[] {
  const states: CampaignState[] = ['draft'];
  for (const act of of) {
    const state = states.at(-1) ?? 'draft';
    states.push(stateAfter(act, state) ?? state);
  }
  return states;
}

test('the way of a campaign that nobody stops', () => {
  expect(statesOf(['approve', 'schedule', 'start', 'pause', 'resume', 'finish'])).toEqual([
    'draft', 'approved', 'scheduled', 'running', 'paused', 'running', 'done',
  ]); // prettier-ignore
});

test('nothing is sent that was not approved since it was written last', () => {
  fc.assert(
    fc.property(walk, (of) => {
      const states = statesOf(of);
      const done = of.filter((_, n) => stateAfter(of[n] as CampaignAct, states[n] as CampaignState));
      const isSending = states.at(-1) === 'running';
      return !isSending || done.lastIndexOf('approve') > done.lastIndexOf('put');
    }),
  );
});

test('what is done or aborted stays so', () => {
  for (const state of ['done', 'aborted'] as const)
    expect(acts.filter((act) => stateAfter(act, state) !== undefined)).toEqual([]);
});

test('everything that has not ended can be aborted', () => {
  const ended = CAMPAIGN_STATES.filter((state) => stateAfter('abort', state) === undefined);
  expect(ended).toEqual(['done', 'aborted']);
});

test('one that runs, or waits for its time, is not rewritten', () => {
  const rewritable = CAMPAIGN_STATES.filter((state) => stateAfter('put', state) !== undefined);
  expect(rewritable).toEqual(['draft', 'approved']);
});
