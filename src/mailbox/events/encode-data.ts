import { Problem } from '../../platform/http/problem.js';
import { isStorableJson } from '../../platform/http/text.schema.js';
import { isReservedKey, isReservedType } from './event-types.js';
import { MAX_DATA_BYTES, type NewEventBody } from './publish.schema.js';

/**
 * Returns the data of a back office's event as JSON text, which is encoded only here. Throws Problem reserved_type, reserved_key,
 * payload_too_large or invalid_request when the event may not be published, with the given `extensions`.
 */
export function encodeData(
  { type, key, data, expiresAt }: Pick<NewEventBody, 'type' | 'key' | 'data' | 'expiresAt'>,
  extensions: Record<string, unknown> = {},
): string {
  if (isReservedType(type))
    throw new Problem('reserved_type', `Only Usher itself may send "${type}".`, extensions);
  if (key !== undefined && isReservedKey(key))
    throw new Problem('reserved_key', `Only Usher's own events have the key "${key}".`, extensions);
  const json = JSON.stringify(data);
  if (!isStorableJson(json))
    throw new Problem('invalid_request', 'data holds characters that cannot be stored.', extensions);
  if (Buffer.byteLength(json) > MAX_DATA_BYTES)
    throw new Problem('payload_too_large', `An event's data may have ${MAX_DATA_BYTES} bytes.`, extensions);
  if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now())
    throw new Problem('invalid_request', 'expiresAt has passed.', extensions);
  return json;
}
