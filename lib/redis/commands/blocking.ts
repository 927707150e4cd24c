// The commands that wait by design: for another client, for a replica, or for another server.

/**
 * Upper-case names of the commands whose reply may legally take as long as the timeout that they
 * were given, which can be for ever. Silence while one of them is in flight is no sign of a dead
 * connection. XREAD and XREADGROUP are among them although they wait only with BLOCK. Scripts and
 * other commands that merely work for long are not: the server itself is silent to everybody then.
 */
export const BLOCKING: ReadonlySet<string> = new Set([
  'BLMOVE',
  'BLMPOP',
  'BLPOP',
  'BRPOP',
  'BRPOPLPUSH',
  'BZMPOP',
  'BZPOPMAX',
  'BZPOPMIN',
  'MIGRATE',
  'WAIT',
  'WAITAOF',
  'XREAD',
  'XREADGROUP',
]);

/** Whether a command of one of these names waits with these arguments, which follow the name. */
export function waits(name: string, args: readonly unknown[]): boolean {
  if (!BLOCKING.has(name)) return false;
  if (name !== 'XREAD' && name !== 'XREADGROUP') return true;
  const words = args.map((arg) => (typeof arg === 'string' ? arg.toUpperCase() : ''));
  const block = words.indexOf('BLOCK');
  // Behind STREAMS it is a stream's name.
  return block !== -1 && block < words.indexOf('STREAMS');
}
