// The commands of a full client that wait for room, in the order in which they were called.

import { keep } from './command-stage.js';
import type { Arg, Opcode } from './sender.js';

interface Waiter {
  opcode: Opcode;
  args: readonly Arg[];
  size: number;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/** Commands that are sent together, once there is room for all of them. */
interface WaitingTransaction {
  opcode: Opcode;
  count: number;
  size: number;
  send: () => void;
  reject: (reason: unknown) => void;
}

export class Overflow {
  private waiters: (Waiter | WaitingTransaction)[] = [];
  private next = 0;
  private admitting = false;

  /** `hasRoom` says whether so many commands of that size may be sent now, `send` sends one. */
  constructor(
    private readonly hasRoom: (size: number, count: number) => boolean,
    private readonly send: (waiter: Waiter) => void,
  ) {}

  get length(): number {
    return this.waiters.length - this.next;
  }

  add(opcode: Opcode, args: readonly Arg[], size: number): Promise<unknown> {
    const kept = keep(args);
    return new Promise((resolve, reject) => {
      this.waiters.push({ opcode, args: kept, size, resolve, reject });
    });
  }

  addTransaction(transaction: WaitingTransaction): void {
    this.waiters.push(transaction);
  }

  /** Sends as many as there is room for. */
  admit(): void {
    // Sending may fail commands, which makes room and comes here again: the loop below goes on with that.
    if (this.admitting || this.length === 0) return;
    this.admitting = true;
    while (this.next < this.waiters.length) {
      const waiter = this.waiters[this.next] as Waiter | WaitingTransaction;
      const isTransaction = 'count' in waiter;
      if (!this.hasRoom(waiter.size, isTransaction ? waiter.count : 1)) break;
      this.next++;
      if (isTransaction) waiter.send();
      else this.send(waiter);
    }
    this.admitting = false;
    this.waiters.splice(0, this.next);
    this.next = 0;
  }

  /** Rejects all that wait. */
  reject(toError: (opcode: Opcode) => unknown): void {
    const waiters = this.waiters.slice(this.next);
    this.waiters.length = this.next;
    for (const waiter of waiters) waiter.reject(toError(waiter.opcode));
  }
}
