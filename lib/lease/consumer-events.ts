// What a consumer tells of its jobs, and of itself.

import { EventEmitter } from 'node:events';
import type { SideloopError } from '../errors.js';
import { queueMicrotask } from '../turns.js';
import type { Job } from './job.js';
import type { LeaseError } from './lease-error.js';

/** Whether a consumer can do its work. */
export interface ConsumerHealth {
  /**
   * False from when a connection is lost and can't be made again at once, a read or the making of the group was refused
   * twice in a row, or a read had no answer for longer than `leaseMs`. Where that lasts for longer than `leaseMs`, nothing is renewed either.
   */
  healthy: boolean;
  /** Why it is not: the server's words, or what is wrong with the connection. */
  reason?: string;
}

/** An attempt at a job of which an event tells. */
export interface JobEvent {
  job: Job;
  /** Which attempt it speaks of, from 1. */
  attempt: number;
}

/** An attempt that has failed. */
export interface FailedEvent extends JobEvent {
  /** What the handler threw, or fail() was given. */
  error: unknown;
}

/** A job that is to be tried again. */
export interface RetryingEvent extends FailedEvent {
  /** How long it waits for its next attempt, in ms. */
  delayMs: number;
}

/** A lease that has ended before the job was settled. */
export interface LostEvent extends JobEvent {
  /** Its `reason` says what has ended it. */
  error: LeaseError;
}

/** An attempt that nobody has settled. */
export interface StalledEvent extends JobEvent {
  /** `ERR_SIDELOOP_JOB_STALLED` */
  error: SideloopError;
}

/** The events of a consumer. They come in order, after whatever this thread was busy with. */
export interface ConsumerEvents {
  /** The server has carried out the ack. */
  completed: [event: JobEvent];
  /** An attempt has failed: its handler has thrown, or fail() was called. Once for each attempt. */
  failed: [event: FailedEvent];
  /** The server has carried out the fail(): the job is to be tried again. */
  retrying: [event: RetryingEvent];
  /** The job has become a dead letter. Once for each job. Without a listener it is one line on stderr. */
  dead: [event: FailedEvent];
  /**
   * The job was delivered to another, or to this consumer's name in an earlier life, which has let its lease run out or its
   * deadline pass; it has come here. `attempt` is the one that was not settled. Nobody knows whether it was begun: a process
   * that was killed had jobs at hand that it had not come to. It is told before the job is handed out.
   */
  stalled: [event: StalledEvent];
  /** The lease of a job that was begun has ended before it was settled. Once for each attempt. */
  lost: [event: LostEvent];
  /** It became healthy, or ceased to be, or the reason is another. */
  health: [health: ConsumerHealth];
  /**
   * What went wrong that no promise tells of. Without a listener nothing happens: the consumer goes on by itself.
   * `ERR_SIDELOOP_GROUP_LOST`: its group was gone, and was made anew.
   */
  error: [error: Error];
}

export type Listener<E extends keyof ConsumerEvents> = (...args: ConsumerEvents[E]) => void;

/** Whoever listens to a consumer. */
export class ConsumerListeners {
  readonly #emitter = new EventEmitter();

  on<E extends keyof ConsumerEvents>(event: E, listener: Listener<E>): void {
    this.#emitter.on(event, listener as (...args: unknown[]) => void);
  }

  once<E extends keyof ConsumerEvents>(event: E, listener: Listener<E>): void {
    this.#emitter.once(event, listener as (...args: unknown[]) => void);
  }

  off<E extends keyof ConsumerEvents>(event: E, listener: Listener<E>): void {
    this.#emitter.off(event, listener as (...args: unknown[]) => void);
  }

  has(event: keyof ConsumerEvents): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  /** Outside the reading of messages, where a listener's throw is the user's to see, and stops nothing. */
  tell<E extends keyof ConsumerEvents>(event: E, ...about: ConsumerEvents[E]): void {
    if (!this.has(event)) return;
    queueMicrotask(() => {
      // An emitter throws an 'error' that nobody listens to any more.
      if (this.has(event)) this.#emitter.emit(event, ...about);
    });
  }
}
