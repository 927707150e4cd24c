// What this thread and the loop thread say to each other about files. The numbers are those of native/fs/request.h,
// native/fs/messenger.h and native/binding/files_wrap.cc.

/** Asked of the native side, as `ask, id, ...` */
export const Ask = {
  readFile: 1,
  writeFile: 2,
  openReader: 3,
  openWriter: 4,
  write: 6,
  finish: 7,
  close: 8,
  taken: 9,
  forget: 10,
} as const;

/** What a smaller chunk counts in the window of a read stream, in bytes: native/cross/read_window.h. */
export const LEAST_COUNT = 512;

/** Told by it, as `[id, tell, ...]` */
export const Tell = {
  data: 1,
  opened: 2,
  end: 3,
  failed: 4,
  closed: 5,
  written: 6,
  done: 7,
  tooLarge: 8,
} as const;

/** `[id, tell, ...]` */
export type Message = [id: number, tell: number, ...values: unknown[]];

/** `[code, message]`: the loop has ended, and with it all that was under way. */
export type LastMessage = [code: string, message: string];

const SYSCALLS = ['open', 'fstat', 'read', 'write', 'fsync', 'close'];

/** The name of a system call, by its number in a message. */
export function syscallName(number: number): string {
  return SYSCALLS[number] as string;
}
