import { plainText } from '../output/plain-text.js';
import type { EventStep, Step } from './timeline.js';

/** Returns a step on one line. */
export function stepLine(step: Step): string {
  return `${step.at}  ${step.step.padEnd(10)}  ${described(step)}`;
}

function described(step: Step): string {
  switch (step.step) {
    case 'event':
      return ofEvent(step);
    case 'webhook':
      return words(step.processor, step.eventId, step.type, step.status, step.reason);
    case 'membership': {
      const ends = step.cancelAt && `ends ${plainText(step.cancelAt)}`;
      return words(`version ${step.version}`, step.status, step.planId, ends, `(${plainText(step.reason)})`);
    }
    case 'digest':
      return words(step.digest, step.localDate, step.state, step.reason, step.eventId);
    case 'campaign':
      return words(step.campaign, step.state, step.channel ?? step.reason, step.eventId);
    case 'stream': {
      const ended = step.endedAt && `ended ${plainText(step.endedAt)}`;
      return words(
        step.streamId,
        step.deviceId,
        step.titleId,
        `at ${plainText(step.edgeId)}`,
        ended,
        step.reason,
      );
    }
  }
}

function ofEvent({ type, tier, offset, id, superseded, devices, message }: EventStep): string {
  const states = devices.map(({ deviceId, state, why }) => `${plainText(deviceId)} ${why ?? state}`);
  const facts = [type, tier, `#${offset}`, id, superseded ? 'superseded' : null].filter(
    (fact) => fact !== null,
  );
  const told = message ? [plainText(`${message.channel} ${message.state}`)] : [];
  return [facts.map(plainText).join(' '), ...states, ...told].join(', ');
}

const words = (...all: readonly (string | null)[]): string =>
  all
    .filter((one) => one !== null)
    .map(plainText)
    .join(' ');
