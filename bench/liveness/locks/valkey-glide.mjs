// The same lock as with ioredis. GLIDE's core is native and has threads of its own, but the timer that
// asks for the renewal is JavaScript's.
import { randomUUID } from 'node:crypto';
import { ConditionalChange, GlideClient, Script, TimeUnit } from '@valkey/valkey-glide';
import { deleteIfMine, extendIfMine, renewThrice } from './scripts.mjs';

export { version } from '../../clients/valkey-glide.mjs';
export const renewEveryMs = renewThrice;

export async function hold({ host, port, key, leaseMs }, work, noticed) {
  const client = await GlideClient.createClient({ addresses: [{ host, port }] });
  const extend = new Script(extendIfMine);
  const release = new Script(deleteIfMine);
  const token = randomUUID();
  const granted = await client.set(key, token, {
    conditionalSet: ConditionalChange.ONLY_IF_DOES_NOT_EXIST,
    expiry: { type: TimeUnit.Milliseconds, count: leaseMs },
  });
  if (granted !== 'OK') throw new Error('It is held.');
  const timer = setInterval(async () => {
    const asked = client.invokeScript(extend, { keys: [key], args: [token, String(leaseMs)] });
    if ((await asked.catch(() => 1)) === 0) noticed();
  }, renewThrice({ leaseMs }));
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return (await client.invokeScript(release, { keys: [key], args: [token] })) === 1;
}
