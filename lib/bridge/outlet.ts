// The sending side of a bridge: messages of a turn go out in one, and no more are under way than the other side can take.

import type { MessagePort } from 'node:worker_threads';
import { addStage, flushStages, removeStage } from '../binding.js';
import { SideloopError, SideloopTypeError } from '../errors.js';
import { nextTick } from '../turns.js';

// Messages that go out in the middle of a turn: the receiver can begin.
const FLUSH_AT = 256;

// At its end a thread has no next turn: what is sent then goes out at once.
let exiting = false;
process.once('exit', () => {
  exiting = true;
  // Listeners between the package's own and this one may have sent something.
  flushStages();
});

interface Waiter {
  /** Settles once no more than this many are under way. */
  atMost: number;
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/** Sends messages over a port, a batch for each turn, in order. The other side says how many it has taken. */
export class Outlet {
  /** Messages under way: sent here, and not taken there. */
  pending = 0;
  #staged: unknown[] = [];
  #open = true;
  #waiters: Waiter[] = [];
  readonly #flushLater: () => void;

  constructor(
    private readonly port: MessagePort,
    private readonly capacity: number,
    /** Called when it has closed, whoever closed it. */
    private readonly onClosed: () => void = () => {},
  ) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 31 - 1) {
      port.close();
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'capacity must be a whole number from 1 to 2147483647.',
      );
    }
    this.#flushLater = () => this.flush();
    addStage(this.#flushLater);
    port.on('message', (taken: number) => {
      this.pending -= taken;
      this.#settle();
    });
    port.once('close', () => this.#end());
    port.unref();
  }

  get closed(): boolean {
    return !this.#open;
  }

  get full(): boolean {
    return this.pending >= this.capacity;
  }

  /** Sends `message`, which nobody changes any more. False where the bridge is closed. */
  send(message: unknown): boolean {
    if (!this.#open) return false;
    this.pending++;
    const staged = this.#staged.push(message);
    if (exiting || staged >= FLUSH_AT) this.flush();
    else if (staged === 1) nextTick(this.#flushLater);
    return true;
  }

  flush(): void {
    if (this.#staged.length === 0 || !this.#open) return;
    const batch = this.#staged;
    this.#staged = [];
    this.port.postMessage(batch);
  }

  /** Resolves when there is room for a message. Keeps the process alive until then. */
  ready(): Promise<void> {
    return this.#until(this.capacity - 1);
  }

  /** Resolves when all that was sent has been taken. Keeps the process alive until then. */
  drained(): Promise<void> {
    return this.#until(0);
  }

  /** What was sent goes out, and nothing after it. */
  close(): void {
    this.flush();
    this.port.close();
    this.#end();
  }

  #until(atMost: number): Promise<void> {
    this.flush();
    if (this.#open && this.pending <= atMost) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (!this.#open) {
        reject(closedError());
        return;
      }
      this.#waiters.push({ atMost, resolve, reject });
      this.port.ref();
    });
  }

  #settle(): void {
    if (this.#waiters.length === 0) return;
    const settled = this.#waiters.filter(({ atMost }) => this.pending <= atMost);
    this.#waiters = this.#waiters.filter(({ atMost }) => this.pending > atMost);
    if (this.#waiters.length === 0) this.port.unref();
    for (const { resolve } of settled) resolve();
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#staged = [];
    removeStage(this.#flushLater);
    for (const { reject } of this.#waiters.splice(0)) reject(closedError());
    this.onClosed();
  }
}

/** The error of whoever waits for a bridge that is no more. */
export function closedError(): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_BRIDGE_CLOSED',
    'The bridge is closed: by close(), or because the other thread or the loop has ended, or there is no loop that is open ' +
      'under its handle.',
  );
}
