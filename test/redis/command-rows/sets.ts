import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const setsRows: Rows = {
  sadd: [
    [(r) => r.sadd('s', 'm'), 'SADD s m'],
    [(r) => r.sadd('s', 'm', 1), 'SADD s m 1'],
    [(r) => r.sadd('s', ['m', 'n']), 'SADD s m n'],
  ],
  srem: [
    [(r) => r.srem('s', 'm'), 'SREM s m'],
    [(r) => r.srem('s', 'm', 1), 'SREM s m 1'],
    [(r) => r.srem('s', ['m', 'n']), 'SREM s m n'],
  ],
  smismember: [
    [(r) => r.smismember('s', 'm'), 'SMISMEMBER s m'],
    [(r) => r.smismember('s', 'm', 1), 'SMISMEMBER s m 1'],
    [(r) => r.smismember('s', ['m', 'n']), 'SMISMEMBER s m n'],
  ],
  scard: [[(r) => r.scard('s'), 'SCARD s']],
  sdiff: [
    [(r) => r.sdiff('a'), 'SDIFF a'],
    [(r) => r.sdiff('a', 'b'), 'SDIFF a b'],
    [(r) => r.sdiff(['a', 'b']), 'SDIFF a b'],
  ],
  sdiffBuffer: [
    [(r) => r.sdiffBuffer('a'), 'SDIFF a'],
    [(r) => r.sdiffBuffer('a', 'b'), 'SDIFF a b'],
    [(r) => r.sdiffBuffer(['a', 'b']), 'SDIFF a b'],
  ],
  sdiffstore: [
    [(r) => r.sdiffstore('d', 'a'), 'SDIFFSTORE d a'],
    [(r) => r.sdiffstore('d', 'a', 'b'), 'SDIFFSTORE d a b'],
    [(r) => r.sdiffstore('d', ['a', 'b']), 'SDIFFSTORE d a b'],
  ],
  sinter: [
    [(r) => r.sinter('a'), 'SINTER a'],
    [(r) => r.sinter('a', 'b'), 'SINTER a b'],
    [(r) => r.sinter(['a', 'b']), 'SINTER a b'],
  ],
  sinterBuffer: [
    [(r) => r.sinterBuffer('a'), 'SINTER a'],
    [(r) => r.sinterBuffer('a', 'b'), 'SINTER a b'],
    [(r) => r.sinterBuffer(['a', 'b']), 'SINTER a b'],
  ],
  sinterstore: [
    [(r) => r.sinterstore('d', 'a'), 'SINTERSTORE d a'],
    [(r) => r.sinterstore('d', 'a', 'b'), 'SINTERSTORE d a b'],
    [(r) => r.sinterstore('d', ['a', 'b']), 'SINTERSTORE d a b'],
  ],
  sunion: [
    [(r) => r.sunion('a'), 'SUNION a'],
    [(r) => r.sunion('a', 'b'), 'SUNION a b'],
    [(r) => r.sunion(['a', 'b']), 'SUNION a b'],
  ],
  sunionBuffer: [
    [(r) => r.sunionBuffer('a'), 'SUNION a'],
    [(r) => r.sunionBuffer('a', 'b'), 'SUNION a b'],
    [(r) => r.sunionBuffer(['a', 'b']), 'SUNION a b'],
  ],
  sunionstore: [
    [(r) => r.sunionstore('d', 'a'), 'SUNIONSTORE d a'],
    [(r) => r.sunionstore('d', 'a', 'b'), 'SUNIONSTORE d a b'],
    [(r) => r.sunionstore('d', ['a', 'b']), 'SUNIONSTORE d a b'],
  ],
  sintercard: [
    [(r) => r.sintercard(2, 'a', 'b'), 'SINTERCARD 2 a b'],
    [(r) => r.sintercard(2, ['a', 'b'], 'LIMIT', 5), 'SINTERCARD 2 a b LIMIT 5'],
  ],
  sismember: [[(r) => r.sismember('s', 'm'), 'SISMEMBER s m']],
  smove: [[(r) => r.smove('a', 'b', 'm'), 'SMOVE a b m']],
  smembers: [[(r) => r.smembers('s'), 'SMEMBERS s']],
  spop: [
    [(r) => r.spop('s'), 'SPOP s'],
    [(r) => r.spop('s', 2), 'SPOP s 2'],
  ],
  srandmember: [
    [(r) => r.srandmember('s'), 'SRANDMEMBER s'],
    [(r) => r.srandmember('s', 2), 'SRANDMEMBER s 2'],
  ],
  sscan: [
    [(r) => r.sscan('s', 0), 'SSCAN s 0'],
    [(r) => r.sscan('s', 0, 'MATCH', 'm*'), 'SSCAN s 0 MATCH m*'],
  ],
  smembersBuffer: [[(r) => r.smembersBuffer('s'), 'SMEMBERS s']],
  spopBuffer: [
    [(r) => r.spopBuffer('s'), 'SPOP s'],
    [(r) => r.spopBuffer('s', 2), 'SPOP s 2'],
  ],
  srandmemberBuffer: [
    [(r) => r.srandmemberBuffer('s'), 'SRANDMEMBER s'],
    [(r) => r.srandmemberBuffer('s', 2), 'SRANDMEMBER s 2'],
  ],
  sscanBuffer: [
    [(r) => r.sscanBuffer('s', 0), 'SSCAN s 0'],
    [(r) => r.sscanBuffer('s', 0, 'MATCH', 'm*'), 'SSCAN s 0 MATCH m*'],
  ],
};
