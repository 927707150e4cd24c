export { createServer } from '../../../dist/net/index.js';
export { version } from '../../product.mjs';
