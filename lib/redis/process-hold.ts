// What keeps the process alive for a client beside its commands: that somebody waits for its connection, or for its end.

import type { NativeRedis } from '../binding.js';

export class ProcessHold {
  #native: NativeRedis | undefined;
  #holds = false;
  #loopIsReferenced = true;
  #isReferenced = true;

  /** From now on for this native side. What was held for the last one has been let go. */
  follow(native: NativeRedis): void {
    this.#native = native;
    this.#loopIsReferenced = true;
    this.#apply();
  }

  /** Whether the process is to stay alive for it. */
  hold(wanted: boolean): void {
    if (wanted === this.#holds) return;
    this.#holds = wanted;
    if (wanted) this.#native?.hold();
    else this.#native?.release();
  }

  /** The loop's own ref() or unref(). */
  setReferenced(referenced: boolean): void {
    this.#loopIsReferenced = referenced;
    this.#apply();
  }

  /** Whether anything of the client may keep the process alive, as far as it is the client's to say. */
  get isReferenced(): boolean {
    return this.#isReferenced;
  }

  set isReferenced(referenced: boolean) {
    this.#isReferenced = referenced;
    this.#apply();
  }

  #apply(): void {
    this.#native?.setReferenced(this.#isReferenced && this.#loopIsReferenced);
  }
}
