// sideloop as the contestants of all suites load it: the build in this repository.
import { readFileSync } from 'node:fs';

const manifest = new URL('../package.json', import.meta.url);

export const version = JSON.parse(readFileSync(manifest, 'utf8')).version;
