// The leases of one Redis client: their numbers, and the way of what comes back to each.

import { AsyncResource } from 'node:async_hooks';
import { listenToAbort } from '../abort-listeners.js';
import { forget, type MessageTarget, type NativeLeases, native, receive } from '../binding.js';
import { AbortError, SideloopTypeError } from '../errors.js';
import { internalsOf, type LoopInternals } from '../event-loop.js';
import { type RedisInternals, redisInternalsOf } from '../redis/internals.js';
import type { Redis } from '../redis/redis.js';
import { closedError } from '../redis/refusals.js';
import type { AcquireTerms } from './acquire-options.js';
import { leaseKeys } from './keys.js';
import { Lease } from './lease.js';
import type { LeaseEndReason } from './lease-error.js';
import { refusalOf } from './refusals.js';

const services = new WeakMap<Redis, LeaseService>();

// By the numbers of native/lease/reports.h.
const REASONS: readonly LeaseEndReason[] = [
  'lost',
  'expired',
  'max-lease',
  'js-blocked',
  'released',
  'loop-stopped',
];

const Report = { granted: 0, refused: 1, ended: 2 } as const;

/** Somebody who waits for a lease. */
interface Asking {
  key: string;
  context: AsyncResource;
  resolve(lease: Lease): void;
  reject(error: Error): void;
}

type Ending = [
  reason: number,
  at: number,
  byRelease: number,
  renewals: number,
  failed: number,
  late: number,
  refusal: string,
];

export class LeaseService implements MessageTarget {
  readonly #native: NativeLeases;
  readonly #redis: RedisInternals;
  readonly #loop: LoopInternals;
  readonly #asking = new Map<number, Asking>();
  readonly #leases = new Map<number, Lease>();
  readonly #setReferenced = {
    setReferenced: (referenced: boolean) => native.setReferenced(this.#native.target, referenced),
  };
  #lastId = 0;
  #ended = false;

  private constructor(redis: Redis, internals: RedisInternals) {
    this.#redis = internals;
    this.#loop = internalsOf(redis.loop);
    this.#native = new native.LeaseWrap(internals.native);
    receive(this.#native.target, this);
    this.#loop.join(this.#setReferenced);
    internals.onEnd(() => {
      this.#ended = true;
      services.delete(redis);
      this.#native.close();
      this.#forgetIfOver();
    });
  }

  /**
   * The one of a client.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where it is no client.
   * @throws SideloopError `ERR_SIDELOOP_REDIS_CLOSED` where it was closed.
   */
  static of(redis: Redis): LeaseService {
    const internals = redisInternalsOf(redis);
    if (internals === undefined) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        "redis must be a client of this package: new Redis() of 'sideloop/redis'.",
      );
    }
    if (internals.isClosed()) throw closedError();
    let service = services.get(redis);
    if (service === undefined) {
      service = new LeaseService(redis, internals);
      services.set(redis, service);
    }
    return service;
  }

  acquire(key: string, { numbers, signal, fenceKey }: AcquireTerms): Promise<Lease> {
    const { fence, queue, turn } = leaseKeys(key);
    if (fenceKey !== undefined && [key, queue, turn].includes(fenceKey)) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        `fenceKey must be a key of its own: ${JSON.stringify(fenceKey)} is another one of this lease.`,
      );
    }
    if (signal?.aborted) throw new AbortError(signal);
    const id = ++this.#lastId;
    if (!this.#native.acquire(id, key, fenceKey ?? fence, queue, turn, numbers)) {
      throw this.#redis.refused('EVAL');
    }
    native.hold(this.#native.target);
    return new Promise((resolve, reject) => {
      const unlisten = listenToAbort(signal, () => this.#cancel(id, signal as AbortSignal));
      const settling = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          unlisten();
          settle(value);
        };
      };
      this.#asking.set(id, {
        key,
        context: new AsyncResource('SideloopAcquire'),
        resolve: settling(resolve),
        reject: settling(reject),
      });
    });
  }

  messages(values: unknown[]): void {
    for (const value of values) this.#read(value as [kind: number, id: number, ...unknown[]]);
    this.#forgetIfOver();
  }

  #read([kind, id, ...rest]: [kind: number, id: number, ...unknown[]]): void {
    switch (kind) {
      case Report.granted:
        this.#granted(id, rest[0] as number);
        break;
      case Report.refused: {
        const [code, message, figure] = rest as [string, string, number];
        const asking = this.#settle(id);
        asking?.reject(refusalOf(asking.key, code, message, figure));
        break;
      }
      case Report.ended:
        this.#endOf(id, rest as unknown as Ending);
        break;
    }
  }

  #granted(id: number, token: number): void {
    const asking = this.#asking.get(id);
    if (asking === undefined) return;
    // What holds the process for the asking does so for the lease from here on.
    this.#asking.delete(id);
    const lease = asking.context.runInAsyncScope(
      () => new Lease(this.#native, id, asking.key, token),
    );
    this.#leases.set(id, lease);
    asking.resolve(lease);
  }

  #endOf(id: number, [reason, at, byRelease, renewals, failed, late, refusal]: Ending): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    this.#leases.delete(id);
    this.#native.forget(id);
    // The loop's clock is that of process.hrtime().
    const ago = (Number(process.hrtime.bigint()) - at) / 1e6;
    lease.end({
      reason: REASONS[reason] as LeaseEndReason,
      at: performance.now() - ago,
      byRelease: byRelease === 1,
      stats: { renewals, failed, late },
      refusal,
    });
  }

  #cancel(id: number, signal: AbortSignal): void {
    const asking = this.#settle(id);
    if (asking === undefined) return;
    this.#native.cancel(id);
    asking.reject(new AbortError(signal));
  }

  /** There will be no lease for it, or nobody to have it. */
  #settle(id: number): Asking | undefined {
    const asking = this.#asking.get(id);
    if (asking === undefined) return undefined;
    this.#asking.delete(id);
    this.#native.forget(id);
    native.release(this.#native.target);
    return asking;
  }

  /** Deliveries hold on to their target. */
  #forgetIfOver(): void {
    if (!this.#ended || this.#asking.size > 0 || this.#leases.size > 0) return;
    forget(this.#native.target);
    this.#loop.leave(this.#setReferenced);
  }
}
