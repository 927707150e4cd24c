// Compiles the demo where it is out of date, and runs it. It imports the package by its own name, as
// its users do.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mustRun, root } from './command.mjs';

mustRun(process.execPath, ['scripts/build.mjs', 'demo']);
const { main } = await import(pathToFileURL(join(root, 'out', 'demo', 'main.js')).href);
process.exitCode = await main(root, join(root, 'out', 'demo-timeline.svg'));
