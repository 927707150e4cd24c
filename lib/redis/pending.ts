// The promises that wait for replies, oldest first. Replies come in the order of the commands, so a ring needs no ids
// and no map: a slot is four array elements.

import { deliveryError, type Failure } from '../errors.js';
import { decoderOf, nameOf, type Opcode, RUNS_CODE } from './sender.js';

type Resolve = (value: unknown) => void;
type Reject = (reason: unknown) => void;

let lastResolve: Resolve;
let lastReject: Reject;

// One executor for all promises: a closure for each would cost more than the promise.
function capture(resolve: Resolve, reject: Reject): void {
  lastResolve = resolve;
  lastReject = reject;
}

const nothing = (): void => {};

export class PendingRing {
  /** Commands that wait. */
  size = 0;
  /** The size of their arguments. */
  bytes = 0;
  private head = 0;
  private mask = 255;
  private resolves: Resolve[] = new Array(256).fill(nothing);
  private rejects: Reject[] = new Array(256).fill(nothing);
  private opcodes: number[] = new Array(256).fill(0);
  private sizes: number[] = new Array(256).fill(0);

  /** Adds a command; its reply settles the promise. */
  push(opcode: Opcode, size: number): Promise<unknown> {
    const promise = new Promise(capture);
    this.place(opcode, size, lastResolve, lastReject);
    return promise;
  }

  /** Adds a command whose promise exists already. */
  place(opcode: Opcode, size: number, resolve: Resolve, reject: Reject): void {
    if (this.size > this.mask) this.grow();
    const at = (this.head + this.size) & this.mask;
    this.resolves[at] = resolve;
    this.rejects[at] = reject;
    this.opcodes[at] = opcode;
    this.sizes[at] = size;
    this.size++;
    this.bytes += size;
  }

  /** Settles the oldest with replies. */
  settle(values: unknown[]): void {
    if (values.length > this.size) this.#refuse(values.length);
    const { resolves, rejects, opcodes, sizes, mask } = this;
    let { head, bytes } = this;
    for (let i = 0; i < values.length; i++) {
      const at = head & mask;
      head++;
      const resolve = resolves[at] as Resolve;
      const reject = rejects[at] as Reject;
      // A settled slot must not keep its promise's value alive.
      resolves[at] = nothing;
      rejects[at] = nothing;
      bytes -= sizes[at] as number;
      const value = values[i];
      const decode = value === null ? undefined : decoderOf(opcodes[at] as number);
      if (decode === undefined) {
        resolve(value);
      } else {
        try {
          resolve(decode(value));
        } catch (error) {
          reject(error);
        }
      }
    }
    this.head = head & mask;
    this.bytes = bytes;
    this.size -= values.length;
  }

  /** Rejects the oldest. */
  fail(failure: Failure): void {
    // Not `>`: a count that is no number is refused too.
    if (!(failure.count <= this.size)) this.#refuse(failure.count);
    for (let i = 0; i < failure.count; i++) {
      const at = this.head & this.mask;
      const reject = this.rejects[at] as Reject;
      this.drop(at);
      this.head = (this.head + 1) & this.mask;
      const opcode = this.opcodes[at] as number;
      reject(failure.toError(nameOf(opcode), (opcode & RUNS_CODE) !== 0));
    }
  }

  /**
   * Rejects those behind the oldest `ahead` now. Each keeps its slot until its turn comes: then it is settled once more,
   * which nobody hears.
   */
  failOutOfTurn(ahead: number, failure: Failure): void {
    if (!(ahead + failure.count <= this.size)) this.#refuse(ahead + failure.count);
    for (let i = ahead; i < ahead + failure.count; i++) {
      const at = (this.head + i) & this.mask;
      const reject = this.rejects[at] as Reject;
      this.resolves[at] = nothing;
      this.rejects[at] = nothing;
      const opcode = this.opcodes[at] as number;
      reject(failure.toError(nameOf(opcode), (opcode & RUNS_CODE) !== 0));
    }
  }

  /** Rejects the youngest, which were never handed over. */
  failLast(count: number, toError: (command?: string) => unknown): void {
    for (let i = this.size - count; i < this.size; i++) {
      const at = (this.head + i) & this.mask;
      (this.rejects[at] as Reject)(toError(nameOf(this.opcodes[at] as number)));
    }
    for (let i = 0; i < count; i++) this.drop((this.head + this.size - 1) & this.mask);
  }

  /**
   * More is settled than waits: nobody knows any more what belongs to whom, and a wrong reply is worse than none.
   *
   * @throws SideloopError `ERR_SIDELOOP_DELIVERY`
   */
  #refuse(count: number): never {
    const { size } = this;
    this.fail({ count: size, toError: (command) => deliveryError(count, size, command) });
    throw deliveryError(count, size);
  }

  private drop(at: number): void {
    this.resolves[at] = nothing;
    this.rejects[at] = nothing;
    this.bytes -= this.sizes[at] as number;
    this.size--;
  }

  private grow(): void {
    const capacity = this.mask + 1;
    const turn = <T>(slots: T[], filler: T): T[] =>
      slots
        .slice(this.head)
        .concat(slots.slice(0, this.head))
        .concat(new Array<T>(capacity).fill(filler));
    this.resolves = turn(this.resolves, nothing);
    this.rejects = turn(this.rejects, nothing);
    this.opcodes = turn(this.opcodes, 0);
    this.sizes = turn(this.sizes, 0);
    this.head = 0;
    this.mask = capacity * 2 - 1;
  }
}
