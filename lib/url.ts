// A URL that a caller gives: of any realm, as a test runner that plays a browser brings one of its own.

/** As node:fs tells one from other objects. */
export function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false;
  const { href, protocol } = value as Partial<URL>;
  return typeof href === 'string' && href !== '' && typeof protocol === 'string' && protocol !== '';
}
