import { plainText } from '../output/plain-text.js';
import type { EventStep, Step } from './timeline.js';

/** Returns a step on one line. */
export function stepLine(step: Step): string {
  return `${step.at}  ${step.step.padEnd(10)}  ${step.step === 'event' ? ofEvent(step) : OTHERS[step.step](step)}`;
}

function ofEvent({ type, tier, offset, id, superseded, devices }: EventStep): string {
  const states = devices.map(({ deviceId, state, why }) => `${plainText(deviceId)} ${why ?? state}`);
  const facts = [type, tier, `#${offset}`, id, superseded ? 'superseded' : null].filter(
    (fact) => fact !== null,
  );
  return [facts.map(plainText).join(' '), ...states].join(', ');
}

type Fields = Readonly<Record<string, unknown>>;

const OTHERS = {
  webhook: ({ processor, eventId, type, status, reason }: Fields) =>
    words(processor, eventId, type, status, reason),
  membership: ({ version, status, planId, cancelAt, reason }: Fields) =>
    words(
      `version ${plainText(version)}`,
      status,
      planId,
      cancelAt && `ends ${plainText(cancelAt)}`,
      `(${plainText(reason)})`,
    ),
  stream: ({ streamId, deviceId, titleId, edgeId, endedAt, reason }: Fields) =>
    words(
      streamId,
      deviceId,
      titleId,
      `at ${plainText(edgeId)}`,
      endedAt && `ended ${plainText(endedAt)}`,
      reason,
    ),
  digest: ({ digest, localDate, state, events, eventId, reason }: Fields) =>
    words(digest, `of ${plainText(localDate)}`, state, `${plainText(events)} events`, eventId, reason),
};

const words = (...all: readonly unknown[]): string =>
  all
    .filter((one) => one !== null && one !== undefined)
    .map(plainText)
    .join(' ');
