import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const stringsRows: Rows = {
  append: [[(r) => r.append('k', 'v'), 'APPEND k v']],
  decr: [[(r) => r.decr('k'), 'DECR k']],
  incr: [[(r) => r.incr('k'), 'INCR k']],
  strlen: [[(r) => r.strlen('k'), 'STRLEN k']],
  decrby: [[(r) => r.decrby('k', 5), 'DECRBY k 5']],
  incrby: [[(r) => r.incrby('k', 5), 'INCRBY k 5']],
  incrbyfloat: [[(r) => r.incrbyfloat('k', 1.5), 'INCRBYFLOAT k 1.5']],
  get: [[(r) => r.get('k'), 'GET k']],
  getdel: [[(r) => r.getdel('k'), 'GETDEL k']],
  getex: [
    [(r) => r.getex('k'), 'GETEX k'],
    [(r) => r.getex('k', 'PERSIST'), 'GETEX k PERSIST'],
    [(r) => r.getex('k', 'EX', 10), 'GETEX k EX 10'],
  ],
  getrange: [[(r) => r.getrange('k', 0, -1), 'GETRANGE k 0 -1']],
  getset: [[(r) => r.getset('k', 'v'), 'GETSET k v']],
  lcs: [
    [(r) => r.lcs('a', 'b'), 'LCS a b'],
    [
      (r) => r.lcs('a', 'b', 'IDX', 'MINMATCHLEN', 4, 'WITHMATCHLEN'),
      'LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN',
    ],
  ],
  mget: [
    [(r) => r.mget('a'), 'MGET a'],
    [(r) => r.mget('a', 'b'), 'MGET a b'],
    [(r) => r.mget(['a', 'b']), 'MGET a b'],
  ],
  set: [
    [(r) => r.set('k', 'v'), 'SET k v'],
    [(r) => r.set('k', 1), 'SET k 1'],
    [(r) => r.set('k', 'v', 'EX', 10, 'NX'), 'SET k v EX 10 NX'],
    [(r) => r.set('k', 'v', 'KEEPTTL'), 'SET k v KEEPTTL'],
    [(r) => r.set('k', 'v', 'PX', 10, 'GET'), 'SET k v PX 10 GET'],
  ],
  getBuffer: [[(r) => r.getBuffer('k'), 'GET k']],
  getdelBuffer: [[(r) => r.getdelBuffer('k'), 'GETDEL k']],
  getexBuffer: [
    [(r) => r.getexBuffer('k'), 'GETEX k'],
    [(r) => r.getexBuffer('k', 'PERSIST'), 'GETEX k PERSIST'],
    [(r) => r.getexBuffer('k', 'EX', 10), 'GETEX k EX 10'],
  ],
  getrangeBuffer: [[(r) => r.getrangeBuffer('k', 0, -1), 'GETRANGE k 0 -1']],
  getsetBuffer: [[(r) => r.getsetBuffer('k', 'v'), 'GETSET k v']],
  lcsBuffer: [
    [(r) => r.lcsBuffer('a', 'b'), 'LCS a b'],
    [
      (r) => r.lcsBuffer('a', 'b', 'IDX', 'MINMATCHLEN', 4, 'WITHMATCHLEN'),
      'LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN',
    ],
  ],
  mgetBuffer: [
    [(r) => r.mgetBuffer('a'), 'MGET a'],
    [(r) => r.mgetBuffer('a', 'b'), 'MGET a b'],
    [(r) => r.mgetBuffer(['a', 'b']), 'MGET a b'],
  ],
  setBuffer: [
    [(r) => r.setBuffer('k', 'v'), 'SET k v'],
    [(r) => r.setBuffer('k', 1), 'SET k 1'],
    [(r) => r.setBuffer('k', 'v', 'EX', 10, 'NX'), 'SET k v EX 10 NX'],
    [(r) => r.setBuffer('k', 'v', 'KEEPTTL'), 'SET k v KEEPTTL'],
    [(r) => r.setBuffer('k', 'v', 'PX', 10, 'GET'), 'SET k v PX 10 GET'],
  ],
  mset: [
    [(r) => r.mset({ a: 1, b: 'x' }), 'MSET a 1 b x'],
    [
      (r) =>
        r.mset(
          new Map<string, string | number>([
            ['a', 1],
            ['b', 'x'],
          ]),
        ),
      'MSET a 1 b x',
    ],
    [(r) => r.mset('a', 1, 'b', 'x'), 'MSET a 1 b x'],
    [(r) => r.mset(...['a', '1']), 'MSET a 1'],
  ],
  msetnx: [
    [(r) => r.msetnx({ a: 1, b: 'x' }), 'MSETNX a 1 b x'],
    [
      (r) =>
        r.msetnx(
          new Map<string, string | number>([
            ['a', 1],
            ['b', 'x'],
          ]),
        ),
      'MSETNX a 1 b x',
    ],
    [(r) => r.msetnx('a', 1, 'b', 'x'), 'MSETNX a 1 b x'],
    [(r) => r.msetnx(...['a', '1']), 'MSETNX a 1'],
  ],
  psetex: [[(r) => r.psetex('k', 1500, 'v'), 'PSETEX k 1500 v']],
  setex: [[(r) => r.setex('k', 10, 'v'), 'SETEX k 10 v']],
  setnx: [[(r) => r.setnx('k', 'v'), 'SETNX k v']],
  setrange: [[(r) => r.setrange('k', 4, 'v'), 'SETRANGE k 4 v']],
  substr: [[(r) => r.substr('k', 0, -1), 'SUBSTR k 0 -1']],
};
