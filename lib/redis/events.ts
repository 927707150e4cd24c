// What a client tells of its connection, to those who listen.

import { EventEmitter } from 'node:events';
import type { SideloopError } from '../errors.js';
import { Commands } from './commands/index.js';

/** Where a client stands; the names are those of ioredis. */
export type RedisStatus =
  | 'wait'
  | 'connecting'
  | 'connect'
  | 'ready'
  | 'close'
  | 'reconnecting'
  | 'end';

/** The events of a client. */
export interface RedisEvents {
  /** An attempt to connect begins. */
  connecting: [];
  /** The socket is up; the handshake begins. */
  connect: [];
  /**
   * Commands are being sent. `protocol` is that of the wire: 3 or 2. Comes once more on the same connection where the
   * server could not serve for a while; the status is `connect` meanwhile.
   */
  ready: [protocol: number];
  /** The connection was lost, or never came up. Without a listener nothing happens: the client goes on by itself. */
  error: [error: SideloopError];
  /** The connection is down. */
  close: [];
  /** The next attempt begins after `delay` ms; it is number `attempt` since the last success. */
  reconnecting: [delay: number, attempt: number];
  /** The client will not connect again. */
  end: [];
}

type Listener<E extends keyof RedisEvents> = (...args: RedisEvents[E]) => void;

/** The part of a client that is an emitter of {@link RedisEvents}, with no other methods than these. */
export abstract class RedisEmitter extends Commands<'client'> {
  protected readonly events = new EventEmitter();

  /** A listener was added or removed. */
  protected abstract listenersChanged(): void;

  /** Whether somebody waits for the connection to come up. `again`: it was up before, and only once() counts. */
  protected isAwaited(again: boolean): boolean {
    return (['connect', 'ready'] as const).some((event) => {
      const listeners = this.events.rawListeners(event);
      return again ? listeners.some((listener) => 'listener' in listener) : listeners.length > 0;
    });
  }

  /** Calls `listener` at each `event`. */
  on<E extends keyof RedisEvents>(event: E, listener: Listener<E>): this {
    this.events.on(event, listener as (...args: unknown[]) => void);
    this.listenersChanged();
    return this;
  }

  /** Calls `listener` at the next `event`. */
  once<E extends keyof RedisEvents>(event: E, listener: Listener<E>): this {
    this.events.once(event, listener as (...args: unknown[]) => void);
    this.listenersChanged();
    return this;
  }

  /** Stops calling `listener`. */
  off<E extends keyof RedisEvents>(event: E, listener: Listener<E>): this {
    this.events.off(event, listener as (...args: unknown[]) => void);
    this.listenersChanged();
    return this;
  }

  /** The same as {@link RedisEmitter.off}, under the name that functions which take an emitter look for. */
  removeListener<E extends keyof RedisEvents>(event: E, listener: Listener<E>): this {
    return this.off(event, listener);
  }
}
