// The promises of connect() that wait for one outcome.

interface Waiter {
  resolve: (up: void | Promise<void>) => void;
  reject: (why: unknown) => void;
}

export class ConnectPromises {
  #waiting: Waiter[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Resolves all, each with what `outcome` gives for it. */
  resolve(outcome?: () => Promise<void>): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(outcome?.());
  }

  /** Rejects all, each with an error of its own. */
  reject(toError: () => unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(toError());
  }
}
