import type { Envelope } from '../../src/mailbox/events/event.js';

/** An important event of an offset, each with a key of its own. */
export const noteAt = (offset: number): Envelope => ({
  id: `id-${offset}`,
  type: 'note.one',
  tier: 'important',
  key: `note:${offset}`,
  epoch: 'e1',
  offset,
  at: '2026-11-20T20:00:00.000Z',
  data: {},
});

/** An event as a back office publishes it for Ada, unless `more` says something else. */
export const newNote = (more: Record<string, unknown> = {}) => ({
  userId: 'ada',
  type: 'note.added',
  tier: 'important',
  data: { text: 'hello' },
  ...more,
});
