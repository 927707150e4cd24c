// Jobs that are ready to be begun, in the order in which they came.

import type { Job } from './job.js';

// Array.shift moves all that is left; places that have been left behind are cut off together.
const CUT_AT = 1024;

export class JobQueue {
  #jobs: (Job | undefined)[] = [];
  #first = 0;
  #pruneAt = CUT_AT;

  push(job: Job): void {
    // Jobs that ended before their turn would gather while nobody takes any.
    if (this.#jobs.length - this.#first >= this.#pruneAt) this.#prune();
    this.#jobs.push(job);
  }

  /** How many it holds: those to come, and some that have ended meanwhile. */
  get size(): number {
    return this.#jobs.length - this.#first;
  }

  shift(): Job | undefined {
    const job = this.#jobs[this.#first];
    if (job === undefined) {
      this.clear();
      return undefined;
    }
    this.#jobs[this.#first++] = undefined;
    if (this.#first === CUT_AT) {
      this.#jobs.splice(0, CUT_AT);
      this.#first = 0;
    }
    return job;
  }

  clear(): void {
    this.#jobs.length = 0;
    this.#first = 0;
  }

  // Not before it has doubled: so each job is looked at a few times at most.
  #prune(): void {
    this.#jobs = this.#jobs.filter((job) => job !== undefined && !job.over);
    this.#first = 0;
    this.#pruneAt = Math.max(CUT_AT, 2 * this.#jobs.length);
  }
}
