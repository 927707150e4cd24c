export { createReadStream, type ReadStream, type ReadStreamOptions } from './read-stream.js';
