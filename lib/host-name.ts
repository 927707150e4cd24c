// Names of hosts, as the system's resolver takes them.

import { domainToASCII } from 'node:url';

/**
 * The name in ASCII: an internationalized one in Punycode. A name that has no such form stays as it is, and does not
 * resolve.
 */
export function asciiName(host: string): string {
  return /\P{ASCII}/u.test(host) ? domainToASCII(host) || host : host;
}
