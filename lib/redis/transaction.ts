// Commands that run at the server as one: MULTI, EXEC, and what stands between them.

import { RedisError, ReplyError, TransactionError } from '../errors.js';
import type { GatheredCommand, PipelineResult } from './pipeline.js';
import { AS_BUFFERS, decoderOf, MAY_BLOCK, namedBy, RUNS_CODE } from './sender.js';

/** Sends the commands as one, and resolves with the reply to EXEC, whose texts may be wanted as Buffers. */
export type SendTransaction = (
  queued: readonly GatheredCommand[],
  asBuffers: boolean,
) => Promise<unknown>;

/** Runs the commands; one result for each. */
export async function runTransaction(
  commands: readonly GatheredCommand[],
  send: SendTransaction,
): Promise<PipelineResult[]> {
  if (commands.length === 0) return [];
  // All results come in one reply, with its texts as strings or as Buffers.
  const asBuffers = commands.some(({ opcode }) => (opcode & AS_BUFFERS) !== 0);
  // What is queued is answered at once: it waits for nothing when it runs, and no code of it has run before.
  const queued = commands.map(({ opcode, args }) => ({
    opcode: opcode & ~(AS_BUFFERS | MAY_BLOCK | RUNS_CODE),
    args,
  }));
  const replies = await send(queued, asBuffers);
  if (!Array.isArray(replies) || replies.length !== commands.length) {
    throw new RedisError(
      'ERR_SIDELOOP_REDIS_PROTOCOL',
      `The server ran a transaction of ${commands.length} commands and did not give as many results: look before you repeat it.`,
      'EXEC',
      true,
    );
  }
  return commands.map((command, i) => resultOf(command, replies[i], asBuffers));
}

/** Why a transaction of `count` commands failed, given what was said to EXEC, to MULTI, and to those between them. */
export function transactionFailure(
  error: unknown,
  ofMulti: unknown,
  ofCommands: readonly Error[],
  count: number,
): unknown {
  if (ofMulti instanceof ReplyError) return refusedMulti(ofMulti, ofCommands, count);
  const isDiscarded = error instanceof ReplyError && error.message.startsWith('EXECABORT');
  return isDiscarded ? new TransactionError(error.message, ofCommands) : error;
}

// MULTI goes out with the rest, as waiting for its answer would cost each transaction a round trip: so the server took the
// commands for ordinary ones.
function refusedMulti(
  { code, message }: ReplyError,
  ofCommands: readonly Error[],
  count: number,
): RedisError {
  const refused = ofCommands.filter((error) => error instanceof ReplyError).length;
  const unknown = ofCommands.length - refused;
  const ran = count - ofCommands.length;
  const what =
    refused === count
      ? `and each of the ${count} commands behind it: nothing ran`
      : `so there was no transaction: of the ${count} commands behind it, one by one, ${ran} ran, it refused ${refused}, and of ${unknown} nobody knows. Look before you repeat them, and allow this user MULTI and EXEC`;
  return new RedisError(
    code,
    `${message} (the server refused MULTI, ${what})`,
    'MULTI',
    refused < count,
  );
}

function resultOf(
  { opcode, args }: GatheredCommand,
  reply: unknown,
  asBuffers: boolean,
): PipelineResult {
  if (reply instanceof ReplyError) {
    const runsCode = (opcode & RUNS_CODE) !== 0;
    return [new ReplyError(reply.message, namedBy(opcode, args)[0], runsCode), undefined];
  }
  const value = asBuffers && (opcode & AS_BUFFERS) === 0 ? textsOf(reply) : reply;
  if (value === null) return [null, null];
  try {
    const decode = decoderOf(opcode);
    return [null, decode === undefined ? value : decode(value)];
  } catch (error) {
    return [error as Error, undefined];
  }
}

function textsOf(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(textsOf);
  return Buffer.isBuffer(reply) ? reply.toString() : reply;
}
