import type { NodeState } from './node-state.js';

/** The ready nodes of one kind, first come first served, and how many of them may run at a time. */
export class ReadyQueue {
  readonly #states: NodeState[] = [];
  #head = 0;
  #running = 0;
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(state: NodeState): void {
    this.#states.push(state);
  }

  /** The next node to start, already counted as running, or undefined if none may start. */
  take(): NodeState | undefined {
    if (this.#running >= this.#limit) return undefined;
    const state = this.#states[this.#head];
    if (state === undefined) return undefined;
    this.#head += 1;
    this.#running += 1;
    return state;
  }

  /** A node that was taken has settled. */
  release(): void {
    this.#running -= 1;
  }

  /** Gives out no node any more. */
  close(): void {
    this.#limit = 0;
  }
}
