// Why there is no lease, as the native side says it.

import { nativeError, SideloopError } from '../errors.js';
import { closedError } from '../redis/refusals.js';

/** The error for a code of native/lease/lease_service_acquire.cc, or of the connection. */
export function refusalOf(
  key: string,
  code: string,
  message: string,
  figure: number,
): SideloopError {
  switch (code) {
    case 'LEASE_HELD':
      if (figure < 0) {
        return new SideloopError(
          'ERR_SIDELOOP_LEASE_HELD',
          `${JSON.stringify(key)} is held without an expiry: something else than a lease has set that key. It stays until ` +
            'somebody deletes it: use another key, or DEL it.',
        );
      }
      return new SideloopError(
        'ERR_SIDELOOP_LEASE_HELD',
        `Somebody else holds ${JSON.stringify(key)}, for ${figure} ms more where it is not renewed. Try again later, or ` +
          'wait for it: acquire(..., { wait: true }).',
      );
    case 'LEASE_TIMEOUT':
      return new SideloopError(
        'ERR_SIDELOOP_LEASE_TIMEOUT',
        `${JSON.stringify(key)} was not to be had within ${figure} ms. Try again later, or wait for longer: wait.forMs.`,
      );
    case 'LEASE_QUEUE_FULL':
      return new SideloopError(
        'ERR_SIDELOOP_LEASE_QUEUE_FULL',
        `${figure} others wait for ${JSON.stringify(key)}, which is the bound. Try again later, or raise wait.maxWaiters.`,
      );
    case 'LEASE_LATE':
      return new SideloopError(
        'ERR_SIDELOOP_LEASE_LATE',
        `The server's answers take longer than the ${figure} ms for which it would hold ${JSON.stringify(key)}. Give the ` +
          'lease a longer ttlMs, or a longer maxLeaseMs where that is less.',
      );
    case 'REDIS_CLOSED':
      return closedError();
    default:
      return nativeError(code, message, 'EVAL');
  }
}
