// The two ends of a connection.

import type { AddressInfo } from 'node:net';

/** One end of a connection. */
export interface Endpoint {
  /** 4, 6, or 0 for a pipe. */
  family: number;
  port: number;
  /** Empty for a pipe. */
  address: string;
}

/** An endpoint as node:net tells it. */
export function addressInfo({
  address,
  family,
  port,
}: Endpoint): AddressInfo | Record<string, never> {
  return family === 0 ? {} : { address, family: `IPv${family}`, port };
}

/** `IPv4` or `IPv6`; undefined for a pipe. */
export function familyOf(endpoint: Endpoint | undefined): string | undefined {
  return endpoint === undefined || endpoint.family === 0 ? undefined : `IPv${endpoint.family}`;
}
