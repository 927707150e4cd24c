// Decoders: from a reply to the shape that a command promises, whatever the protocol.
//
// The native side has already given every scalar its RESP2 form and made flat arrays of maps and
// sets. What is left is nesting, which only RESP3 has and only in a few commands, and HGETALL's
// record. A decoder sees every non-null reply of its command, in any form of it, "QUEUED" within
// MULTI included; so each looks at the shape that it got and passes on what is not its business.

import { RedisError } from '../errors.js';
import { setField } from '../record.js';

/**
 * Flat pairs of nested ones: RESP3 sends `[[member, score], ...]` where RESP2 sends
 * `[member, score, ...]`. No RESP2 reply of the commands that use this has an array inside.
 */
export function flattenPairs(reply: unknown): unknown {
  return Array.isArray(reply) && Array.isArray(reply[0]) ? reply.flat() : reply;
}

/**
 * The streams of XREAD and XREADGROUP as `[[name, entries], ...]`: in RESP3 they come as a map,
 * hence as `[name, entries, ...]` here.
 */
export function nestStreams(reply: unknown): unknown {
  if (!Array.isArray(reply) || reply.length === 0 || Array.isArray(reply[0])) return reply;
  const streams: [unknown, unknown][] = [];
  for (let i = 0; i + 1 < reply.length; i += 2) streams.push([reply[i], reply[i + 1]]);
  return streams;
}

/**
 * The record that HGETALL's fields and values make. Field names become strings; values stay what
 * they are, strings or Buffers.
 *
 * @throws RedisError `ERR_SIDELOOP_REDIS_FIELD_NAMES` where names that differ become the same string: the
 * record would have lost a field.
 */
export function recordOf(reply: unknown): unknown {
  if (!Array.isArray(reply)) return reply;
  const record: Record<string, unknown> = {};
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const field = String(reply[i]);
    // A decoder puts this for what is no UTF-8, and a hash has each name once.
    if (field.includes('\ufffd') && Object.hasOwn(record, field)) throw sameNamesError();
    const value: unknown = reply[i + 1];
    setField(record, field, value);
  }
  return record;
}

function sameNamesError(): RedisError {
  return new RedisError(
    'ERR_SIDELOOP_REDIS_FIELD_NAMES',
    'Names of fields that are no UTF-8 become the same string, and a record has room for one of them: read the ' +
      "hash by hkeysBuffer() and hmgetBuffer(), or in pages by callBuffer('HSCAN', key, cursor).",
    'HGETALL',
    true,
  );
}
