// What has an id on the loop: the near end of a socket or a server.

import { AsyncResource } from 'node:async_hooks';
import type { Endpoint } from './endpoint.js';
import type { SocketTable } from './socket-table.js';

/**
 * Hears what the loop reports about one id. Each method may run the user's code and throw; none is called after
 * `closed`.
 */
export abstract class NetHandle {
  /** Its commands carry it. Given by the table. */
  id = 0;
  /** Has been closed from here; what is still on its way is dropped. */
  closing = false;
  /** Word of written bytes is more than a number to it: something waits for them. */
  waits = false;
  /** The table's mark, of the stretch in which it was told of data. */
  toldInRun = 0;
  #holds = false;
  #referenced = true;

  constructor(
    readonly table: SocketTable,
    /** The async context of its creation, in which its reports are heard. */
    readonly context: AsyncResource,
  ) {}

  data(_chunk: Buffer): void {}
  end(): void {}
  written(_bytes: number): void {}
  finished(): void {}
  abstract failed(errno: number, call: string, port: number, address: string): void;
  /** The last. `reason` is one of Closed; `lost`: bytes or a connection in the making went with it. */
  abstract closed(reason: number, lost: boolean): void;
  /** The loop took nothing of what was staged for it, and takes nothing more where it was stopped. */
  abstract refused(error: Error): void;
  connected(_local: Endpoint, _remote: Endpoint): void {}
  accepted(_id: number, _local: Endpoint, _remote: Endpoint): void {}
  dropped(_local: Endpoint, _remote: Endpoint): void {}
  listening(_local: Endpoint): void {}
  timedOut(): void {}
  lookup(_family: number, _address: string): void {}
  attempt(_errno: number, _port: number, _address: string): void {}

  /** Something of it is on its way that ends by itself: that holds the process, as a request of libuv's does. */
  protected abstract get isBusy(): boolean;
  /** It waits for what others do: that holds the process unless it was unreferenced. */
  protected abstract get isListening(): boolean;

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.updateHold();
  }

  /** To be called where one of the two may have changed. */
  updateHold(): void {
    const holds = this.isBusy || (this.#referenced && this.isListening);
    if (holds === this.#holds) return;
    this.#holds = holds;
    if (holds) this.table.holder.hold();
    else this.table.holder.release();
  }
}

/** The async context of the caller, for a handle that is begun here. */
export function newContext(): AsyncResource {
  return new AsyncResource('SideloopNet', { requireManualDestroy: true });
}
