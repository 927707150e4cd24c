export { AbortError, FileTooLargeError, SystemError } from '../errors.js';
export type { Flags, PathArgument } from './arguments.js';
export { type ReadFileOptions, readFile } from './read-file.js';
export { createReadStream, type ReadStream, type ReadStreamOptions } from './read-stream.js';
export { appendFile, type WriteFileData, type WriteFileOptions, writeFile } from './write-file.js';
export { createWriteStream, type WriteStream, type WriteStreamOptions } from './write-stream.js';
