import { expect, test } from '@jest/globals';
import { LastEventId } from './last-event-id.js';

test('an id that is sent back continues the mailbox and the broadcasts', () => {
  const id = new LastEventId();
  expect(id.read({ epoch: 'e1', offset: 4 })).toBe('e1:4');
  expect(id.readBroadcast({ epoch: 'e1', number: 7 })).toBe('e1:4:7');
  expect(id.read({ epoch: 'e1', offset: 5 })).toBe('e1:5:7');
  const back = LastEventId.of('e1:5:7');
  expect(back.mailboxPosition).toEqual({ epoch: 'e1', offset: 5 });
  expect(back.broadcastPosition).toEqual({ epoch: 'e1', number: 7 });
  expect(back.read({ epoch: 'e1', offset: 6 })).toBe('e1:6:7');
});

test('a number of another epoch is left out, and one of none is not made up', () => {
  expect(LastEventId.of('e1:5:7').read({ epoch: 'e2', offset: 1 })).toBe('e2:1');
  expect(LastEventId.of('e1:5').broadcastPosition).toBeUndefined();
});

test('what is no such id continues nothing', () => {
  for (const header of [
    undefined,
    '',
    'x',
    'e1:',
    'e1:-1',
    'e1:1:',
    'e1:1:x',
    'e1:12345678901234567',
    'a b:1',
  ])
    expect(LastEventId.of(header).mailboxPosition).toBeUndefined();
});
