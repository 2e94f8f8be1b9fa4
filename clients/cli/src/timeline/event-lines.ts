import { plainText } from '../output/plain-text.js';
import type { DescribedEvent } from './timeline.js';

/** Says what became of the event on each of its devices, and of the text or mail that tells of it, in the words of the server. */
export function explain(event: DescribedEvent): string[] {
  const { type, id, offset, at, tier, key, superseded, supersededBy, explanation, devices, message } = event;
  const title = `${plainText(type)} (${id}), offset ${offset}, was stored at ${at}${tier === null ? '' : `, ${tier}`}.`;
  const newer = `A newer event${key === null ? '' : ` of the key ${plainText(key)}`} has superseded it since${supersededBy ? `: ${supersededBy}` : ''}.`;
  return [
    title,
    ...(superseded ? [newer] : []),
    ...(explanation === undefined ? [] : ['', plainText(explanation)]),
    ...devices.flatMap((device) => [
      '',
      `${plainText(device.deviceId)}: ${device.why ?? device.state}`,
      plainText(device.explanation),
    ]),
    ...(message
      ? ['', plainText(`${message.channel}: ${message.state}`), plainText(message.explanation)]
      : []),
  ];
}
