// What other parts of the package need of a client, and users do not.

import type { NativeRedis } from '../binding.js';

const natives = new WeakMap<object, NativeRedis>();

/** For the client itself. */
export function setNativeRedis(client: object, native: NativeRedis): void {
  natives.set(client, native);
}

/** The native side of a client; undefined of anything else. */
export function nativeRedisOf(client: unknown): NativeRedis | undefined {
  return typeof client === 'object' && client !== null ? natives.get(client) : undefined;
}
