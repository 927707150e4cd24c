// A client whose connection comes up, is lost and comes back, and ends. What happens to it is told by the native side.

import { addStage, forget, type NativeRedis, receive, removeStage } from '../binding.js';
import { nativeError, parseFailure, type SideloopError } from '../errors.js';
import { type EventLoop, internalsOf } from '../event-loop.js';
import { queueMicrotask, setImmediate } from '../turns.js';
import { ConnectPromises } from './connect-promises.js';
import type { RedisStatus } from './events.js';
import { wrongOption } from './option-rules.js';
import type { Making } from './options.js';
import { ProcessHold } from './process-hold.js';
import { RecurringCommands } from './recurring.js';
import {
  callbackError,
  closedError,
  refuseArguments,
  refusedError,
  sharedError,
} from './refusals.js';
import { SendingClient } from './sending.js';

// A life lasts from the making of the client, or from connect() after an end, to the end:
//
//                                <--------+ the server can't serve for a while
//   wait ---> connecting ---> connect ---> ready ---> close ---> reconnecting ---> connecting
//                   |             |          |          |             |
//                   +-------------+----------+----------+-------------+---> end ---> connect() begins anew
export abstract class ConnectedClient extends SendingClient {
  // Of its present life.
  protected recurring: RecurringCommands;
  #status: RedisStatus = 'wait';
  #wasReady = false;
  /** disconnect(true) asked for the loss that is to come. */
  #dropping = false;
  /** The connection has ended. */
  #ended = false;
  /** It ended, and whoever listens is about to be told. */
  #telling = false;
  // Of all lives.
  readonly #loop: EventLoop;
  readonly #makeNative: () => NativeRedis;
  readonly #hold = new ProcessHold();
  /** Of connect(), until the client is ready. */
  readonly #comingUp = new ConnectPromises();
  /** Of connect(), called between quit() or disconnect() and the end. */
  readonly #comingBack = new ConnectPromises();
  protected readonly endListeners: (() => void)[] = [];

  constructor(making: Making) {
    super(making.native, making);
    this.#loop = making.loop;
    this.#makeNative = making.again;
    this.recurring = new RecurringCommands(this.native);
  }

  /** Where the client stands. */
  get status(): RedisStatus {
    return this.#status;
  }

  /** The loop it lives on. */
  get loop(): EventLoop {
    return this.#loop;
  }

  /**
   * Connects a client that was made with `lazyConnect`, or that has ended: it begins anew then, as a new client would. One
   * that is connecting goes on with that. Resolves when the client is ready, and rejects when a command would that waits for
   * it: for a wrong password, or after `maxRetriesPerRequest` attempts; the client goes on trying. Keeps the process alive
   * until then.
   *
   * @throws Rejects with a RedisError that says why there is no connection; `ERR_SIDELOOP_REDIS_CLOSED` where quit() or
   * disconnect() came in between; `ERR_SIDELOOP_STOPPED` where the loop was stopped; `ERR_SIDELOOP_HANDLE` where the
   * connection of an attached client is gone.
   */
  connect(): Promise<void>;
  async connect(...given: unknown[]): Promise<void> {
    refuseArguments('connect()', given);
    if (this.closed && this.#status !== 'end') return this.#comingBack.add();
    if (this.#isUp) return;
    if (this.#status === 'end') {
      this.beginAnew(this.#makeNative());
      this.recurring = new RecurringCommands(this.native);
      this.begin();
    }
    const up = this.#comingUp.add();
    if (this.#status === 'wait') this.open();
    else this.listenersChanged();
    return up;
  }

  /**
   * Lets all that was sent before finish, then closes. Resolves with `OK`; the process stays alive for the event `end`,
   * which follows in a later turn.
   *
   * @throws Rejects with `ERR_SIDELOOP_REDIS_CLOSED` where the client was closed already.
   */
  quit(): Promise<'OK'>;
  quit(...given: unknown[]): Promise<'OK'> {
    try {
      refuseArguments('quit()', given);
    } catch (wrong) {
      return Promise.reject(wrong);
    }
    if (this.closed) return Promise.reject(closedError('QUIT'));
    this.recurring.stopAll();
    const promise = this.sendLast() as Promise<'OK'>;
    this.listenersChanged();
    return promise;
  }

  /**
   * Closes at once. What is pending rejects with `ERR_SIDELOOP_REDIS_CLOSED`, and the process stays alive for the event
   * `end`. With `reconnect` the connection is dropped, and the client comes back as after any loss: what is in flight
   * rejects with `ERR_SIDELOOP_REDIS_DISCONNECTED`, what was not sent waits.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where `reconnect` is neither true nor false.
   * @throws SideloopError `ERR_SIDELOOP_REDIS_UNSUPPORTED` where others use the connection that is to be dropped.
   */
  disconnect(reconnect = false): void {
    if (typeof reconnect !== 'boolean') {
      if (typeof reconnect === 'function') throw callbackError('disconnect()');
      throw wrongOption('reconnect', 'true or false');
    }
    if (reconnect) {
      this.#drop();
      return;
    }
    this.#comingBack.reject(() => closedError());
    if (this.#ended) return;
    this.refuseCommands();
    this.recurring.stopAll();
    this.#comingUp.reject(() => closedError());
    if (this.stage.count > 0) this.flush();
    if (!this.native.close()) this.endByItself();
    this.listenersChanged();
  }

  /**
   * Has what is pending keep the process alive, as it does at first: commands, a connect(), recurring commands, a listener
   * of `ready` or `connect` while the first connection comes up, or added by once() while it is down, and the end that
   * quit() or disconnect() asked for. An idle connection never does.
   */
  ref(): this {
    this.#hold.isReferenced = true;
    return this;
  }

  /** Lets the process exit whatever is pending on this client. Leases and consumers go by themselves. */
  unref(): this {
    this.#hold.isReferenced = false;
    return this;
  }

  /** Whether what is pending keeps the process alive. */
  hasRef(): boolean {
    return this.#hold.isReferenced;
  }

  /** A life begins, on a native side that is new. */
  protected begin(): void {
    this.#status = 'wait';
    this.#wasReady = false;
    this.#dropping = false;
    this.#ended = false;
    this.#telling = false;
    receive(this.native.target, {
      settle: (values) => {
        this.pending.settle(values);
        this.settled();
      },
      fail: (text) => {
        this.pending.fail(parseFailure(text));
        this.settled();
      },
      failOutOfTurn: (ahead, text) => this.pending.failOutOfTurn(ahead, parseFailure(text)),
      event: (name, values) => this.#onEvent(name, values),
    });
    this.#hold.follow(this.native);
    internalsOf(this.#loop).join(this.#hold);
    addStage(this.flushLater);
  }

  protected open(): void {
    this.#setStatus('connecting');
    if (!this.native.open()) this.endByItself();
  }

  /** The process lives on while the connection comes up for somebody, and until an end that was asked for is told. */
  protected override listenersChanged(): void {
    const isComingUp = !this.#isUp && this.#status !== 'wait' && this.#status !== 'end';
    const isAwaited = this.#comingUp.size > 0 || this.isAwaited(this.#wasReady);
    this.#hold.hold((isComingUp && isAwaited) || (this.closed && this.#status !== 'end'));
  }

  protected override endByItself(): void {
    queueMicrotask(() => this.#onEvent('end', []));
  }

  protected override settled(): void {
    super.settled();
    // Commands that were called before the end was heard of settle after it.
    if (!this.#ended || this.#telling || this.pending.size > 0) return;
    this.#telling = true;
    forget(this.native.target);
    // In a later turn: by then whoever awaits a promise has gone on.
    setImmediate(() => this.#tellEnd());
  }

  protected override readonly refused = (command?: string): SideloopError =>
    refusedError(internalsOf(this.#loop).isOpen(), command);

  #drop(): void {
    if (this.shared) throw sharedError('disconnect(true)');
    if (this.closed) return;
    // In between it is down already.
    if (!['connecting', 'connect', 'ready'].includes(this.#status)) return;
    this.flush();
    this.#dropping = true;
    if (!this.native.drop()) this.endByItself();
    this.listenersChanged();
  }

  get #isUp(): boolean {
    return this.#status === 'ready' && !this.#dropping;
  }

  #setStatus(status: RedisStatus): void {
    this.#status = status;
    this.listenersChanged();
  }

  #onEvent(name: string, values: (string | number)[]): void {
    if (this.#ended) return;
    switch (name) {
      case 'recurring':
        this.recurring.onEnd(values);
        break;
      case 'close':
        this.#onClose(values as [string, string]);
        break;
      case 'unready':
        // The server can't serve for a while. `ready` follows on the same connection.
        this.#setStatus('connect');
        break;
      case 'refused':
        this.#onRefused(values as [string, string]);
        break;
      case 'end':
        this.#onEnd();
        break;
      default:
        this.#onUp(name as RedisStatus, values);
    }
  }

  #onUp(status: RedisStatus, values: (string | number)[]): void {
    if (status === 'ready') this.#wasReady = true;
    this.#status = status;
    if (this.#isUp) this.#comingUp.resolve();
    this.listenersChanged();
    this.events.emit(status, ...values);
  }

  #onClose([code, message]: [code: string, message: string]): void {
    this.#setStatus('close');
    const expected = this.closed || this.#dropping || code === 'STOPPED' || code === 'DESTROYED';
    this.#dropping = false;
    if (!expected && this.events.listenerCount('error') > 0) {
      this.events.emit('error', nativeError(code, message));
    }
    this.events.emit('close');
  }

  /** Whatever waited for the connection was failed. */
  #onRefused([code, message]: [code: string, message: string]): void {
    this.#comingUp.reject(() => nativeError(code, message));
    this.listenersChanged();
  }

  #onEnd(): void {
    const isOpen = internalsOf(this.#loop).isOpen();
    this.#ended = true;
    this.refuseCommands();
    this.#comingUp.reject(() => (isOpen ? closedError() : this.refused()));
    removeStage(this.flushLater);
    this.recurring.endAll(isOpen);
    internalsOf(this.#loop).leave(this.#hold);
    for (const listener of this.endListeners.splice(0)) listener();
    this.settled();
  }

  #tellEnd(): void {
    this.#setStatus('end');
    // Behind the listeners, of which one may throw.
    queueMicrotask(() => this.#comingBack.resolve(() => this.connect()));
    this.events.emit('end');
  }
}
