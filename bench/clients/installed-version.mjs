// The version of a peer as it is installed, read from its own package.json and not from ours.
import { readFileSync } from 'node:fs';

export function installedVersion(packageName) {
  const manifest = new URL(`../node_modules/${packageName}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}
