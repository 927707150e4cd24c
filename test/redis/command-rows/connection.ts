import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const connectionRows: Rows = {
  client: [
    [(r) => r.client('ID'), 'CLIENT ID'],
    [(r) => r.client('GETREDIR'), 'CLIENT GETREDIR'],
    [(r) => r.client('GETNAME'), 'CLIENT GETNAME'],
    [(r) => r.client('INFO'), 'CLIENT INFO'],
    [(r) => r.client('LIST'), 'CLIENT LIST'],
    [(r) => r.client('LIST', 'ID', 1, 2), 'CLIENT LIST ID 1 2'],
    [(r) => r.client('TRACKINGINFO'), 'CLIENT TRACKINGINFO'],
    [(r) => r.client('SETNAME', 'n'), 'CLIENT SETNAME n'],
    [(r) => r.client('NO-EVICT', 'ON'), 'CLIENT NO-EVICT ON'],
    [(r) => r.client('KILL', '127.0.0.1:1'), 'CLIENT KILL 127.0.0.1:1'],
    [(r) => r.client('KILL', 'ID', 7, 'SKIPME', 'NO'), 'CLIENT KILL ID 7 SKIPME NO'],
    [(r) => r.client('UNBLOCK', 7), 'CLIENT UNBLOCK 7'],
    [(r) => r.client('UNBLOCK', 7, 'ERROR'), 'CLIENT UNBLOCK 7 ERROR'],
    [(r) => r.client('PAUSE', 50), 'CLIENT PAUSE 50'],
    [(r) => r.client('PAUSE', 50, 'WRITE'), 'CLIENT PAUSE 50 WRITE'],
    [(r) => r.client('UNPAUSE'), 'CLIENT UNPAUSE'],
  ],
  echo: [[(r) => r.echo('m'), 'ECHO m']],
  echoBuffer: [[(r) => r.echoBuffer('m'), 'ECHO m']],
  ping: [
    [(r) => r.ping(), 'PING'],
    [(r) => r.ping('m'), 'PING m'],
  ],
};
