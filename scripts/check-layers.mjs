// Prints each place where native/ breaks the table of layers, and fails when there is one.
import { root } from './command.mjs';
import { checkLayers } from './layers.mjs';

const breaches = checkLayers(root);
for (const breach of breaches) console.error(breach);
process.exit(breaches.length === 0 ? 0 : 1);
