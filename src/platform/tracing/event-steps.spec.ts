import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from '@jest/globals';
import { reportStep, reportSteps } from './event-steps.js';

test('a subscriber of the channel gets each step of each event at once, and without one nothing is asked of the events', () => {
  const got: unknown[] = [];
  const take = (message: unknown) => got.push(message);
  subscribe('usher:event-step', take);
  reportSteps('committed', ['a', 'b'], (id) => id);
  reportStep('written', 'a');
  unsubscribe('usher:event-step', take);
  reportSteps('committed', ['c'], () => {
    throw new Error('asked');
  });
  expect(got).toEqual([
    { step: 'committed', id: 'a' },
    { step: 'committed', id: 'b' },
    { step: 'written', id: 'a' },
  ]);
});
