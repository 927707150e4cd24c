// Fills a queue by its own means, before anything is measured.
import { parseArgs } from 'node:util';
import { printAndExit } from '../measurement.mjs';

const { values: options } = parseArgs({
  options: { client: { type: 'string' }, port: { type: 'string' }, count: { type: 'string' } },
});
const { fill } = await import(`./queues/${options.client}.mjs`);
await fill(Number(options.port), Number(options.count));
printAndExit({});
