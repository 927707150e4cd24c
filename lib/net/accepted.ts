// A connection that a server has accepted, on its way to becoming a socket.

import type { AsyncResource } from 'node:async_hooks';
import type { Endpoint } from './endpoint.js';
import type { SocketSettings } from './socket-settings.js';
import type { SocketTable } from './socket-table.js';

/** What a server makes of an accepted connection. */
export interface Accepted {
  table: SocketTable;
  context: AsyncResource;
  settings: SocketSettings;
  id: number;
  local: Endpoint;
  remote: Endpoint;
  paused: boolean;
  /** Called once, when the socket is destroyed. */
  gone(): void;
}

/** For the package's own modules: an option of the constructor. */
export const ACCEPTED: unique symbol = Symbol('accepted');
