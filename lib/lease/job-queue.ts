// Jobs that are ready to be begun, in the order in which they came.

import type { Job } from './job.js';

// Array.shift moves all that is left; places that have been left behind are cut off together.
const CUT_AT = 1024;

export class JobQueue {
  #jobs: (Job | undefined)[] = [];
  #first = 0;

  push(job: Job): void {
    this.#jobs.push(job);
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
}
