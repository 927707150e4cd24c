import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const keysRows: Rows = {
  copy: [
    [(r) => r.copy('k', 'k2'), 'COPY k k2'],
    [(r) => r.copy('k', 'k2', 'DB', 1, 'REPLACE'), 'COPY k k2 DB 1 REPLACE'],
  ],
  del: [
    [(r) => r.del('a'), 'DEL a'],
    [(r) => r.del('a', 'b', 'c'), 'DEL a b c'],
    [(r) => r.del(['a']), 'DEL a'],
    [(r) => r.del(['a', 'b']), 'DEL a b'],
  ],
  exists: [
    [(r) => r.exists('a'), 'EXISTS a'],
    [(r) => r.exists('a', 'b', 'c'), 'EXISTS a b c'],
    [(r) => r.exists(['a']), 'EXISTS a'],
    [(r) => r.exists(['a', 'b']), 'EXISTS a b'],
  ],
  touch: [
    [(r) => r.touch('a'), 'TOUCH a'],
    [(r) => r.touch('a', 'b', 'c'), 'TOUCH a b c'],
    [(r) => r.touch(['a']), 'TOUCH a'],
    [(r) => r.touch(['a', 'b']), 'TOUCH a b'],
  ],
  unlink: [
    [(r) => r.unlink('a'), 'UNLINK a'],
    [(r) => r.unlink('a', 'b', 'c'), 'UNLINK a b c'],
    [(r) => r.unlink(['a']), 'UNLINK a'],
    [(r) => r.unlink(['a', 'b']), 'UNLINK a b'],
  ],
  dump: [[(r) => r.dump('k'), 'DUMP k']],
  dumpBuffer: [[(r) => r.dumpBuffer('k'), 'DUMP k']],
  expire: [
    [(r) => r.expire('k', 10), 'EXPIRE k 10'],
    [(r) => r.expire('k', '10', 'GT'), 'EXPIRE k 10 GT'],
  ],
  expireat: [
    [(r) => r.expireat('k', 1700000000), 'EXPIREAT k 1700000000'],
    [(r) => r.expireat('k', '1700000000', 'GT'), 'EXPIREAT k 1700000000 GT'],
  ],
  pexpire: [
    [(r) => r.pexpire('k', 1500), 'PEXPIRE k 1500'],
    [(r) => r.pexpire('k', '1500', 'GT'), 'PEXPIRE k 1500 GT'],
  ],
  pexpireat: [
    [(r) => r.pexpireat('k', 1700000000000), 'PEXPIREAT k 1700000000000'],
    [(r) => r.pexpireat('k', '1700000000000', 'GT'), 'PEXPIREAT k 1700000000000 GT'],
  ],
  expiretime: [[(r) => r.expiretime('k'), 'EXPIRETIME k']],
  persist: [[(r) => r.persist('k'), 'PERSIST k']],
  pexpiretime: [[(r) => r.pexpiretime('k'), 'PEXPIRETIME k']],
  pttl: [[(r) => r.pttl('k'), 'PTTL k']],
  ttl: [[(r) => r.ttl('k'), 'TTL k']],
  type: [[(r) => r.type('k'), 'TYPE k']],
  keys: [[(r) => r.keys('a*'), 'KEYS a*']],
  keysBuffer: [[(r) => r.keysBuffer('a*'), 'KEYS a*']],
  migrate: [
    [(r) => r.migrate('h', 6379, 'k', 0, 100), 'MIGRATE h 6379 k 0 100'],
    [(r) => r.migrate('h', 6379, '', 0, 100, 'KEYS', 'a', 'b'), 'MIGRATE h 6379  0 100 KEYS a b'],
  ],
  move: [[(r) => r.move('k', 1), 'MOVE k 1']],
  object: [
    [(r) => r.object('ENCODING', 'k'), 'OBJECT ENCODING k'],
    [(r) => r.object('IDLETIME', 'k'), 'OBJECT IDLETIME k'],
    [(r) => r.object('HELP'), 'OBJECT HELP'],
  ],
  randomkey: [[(r) => r.randomkey(), 'RANDOMKEY']],
  randomkeyBuffer: [[(r) => r.randomkeyBuffer(), 'RANDOMKEY']],
  rename: [[(r) => r.rename('k', 'k2'), 'RENAME k k2']],
  renamenx: [[(r) => r.renamenx('k', 'k2'), 'RENAMENX k k2']],
  restore: [
    [(r) => r.restore('k', 0, Buffer.from('dump')), 'RESTORE k 0 dump'],
    [(r) => r.restore('k', 5, Buffer.from('dump'), 'REPLACE'), 'RESTORE k 5 dump REPLACE'],
  ],
  scan: [
    [(r) => r.scan(0), 'SCAN 0'],
    [
      (r) => r.scan('17', 'MATCH', 'a*', 'COUNT', 100, 'TYPE', 'hash'),
      'SCAN 17 MATCH a* COUNT 100 TYPE hash',
    ],
  ],
  sort: [
    [(r) => r.sort('k'), 'SORT k'],
    [
      (r) => r.sort('k', 'BY', 'w_*', 'LIMIT', 0, 5, 'GET', '#', 'DESC', 'ALPHA'),
      'SORT k BY w_* LIMIT 0 5 GET # DESC ALPHA',
    ],
    [(r) => r.sort('k', 'STORE', 'd'), 'SORT k STORE d'],
  ],
  sort_ro: [
    [(r) => r.sort_ro('k'), 'SORT_RO k'],
    [(r) => r.sort_ro('k', 'ALPHA'), 'SORT_RO k ALPHA'],
  ],
  scanBuffer: [
    [(r) => r.scanBuffer(0), 'SCAN 0'],
    [
      (r) => r.scanBuffer('17', 'MATCH', 'a*', 'COUNT', 100, 'TYPE', 'hash'),
      'SCAN 17 MATCH a* COUNT 100 TYPE hash',
    ],
  ],
  sortBuffer: [
    [(r) => r.sortBuffer('k'), 'SORT k'],
    [
      (r) => r.sortBuffer('k', 'BY', 'w_*', 'LIMIT', 0, 5, 'GET', '#', 'DESC', 'ALPHA'),
      'SORT k BY w_* LIMIT 0 5 GET # DESC ALPHA',
    ],
    [(r) => r.sortBuffer('k', 'STORE', 'd'), 'SORT k STORE d'],
  ],
  sort_roBuffer: [
    [(r) => r.sort_roBuffer('k'), 'SORT_RO k'],
    [(r) => r.sort_roBuffer('k', 'ALPHA'), 'SORT_RO k ALPHA'],
  ],
};
