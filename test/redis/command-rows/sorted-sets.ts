import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const sortedSetsRows: Rows = {
  bzmpop: [
    [(r) => r.bzmpop(1.5, 1, 'a', 'MIN'), 'BZMPOP 1.5 1 a MIN'],
    [(r) => r.bzmpop(0, 2, ['a', 'b'], 'MAX', 'COUNT', 3), 'BZMPOP 0 2 a b MAX COUNT 3'],
  ],
  zmpop: [
    [(r) => r.zmpop(1, 'a', 'MIN'), 'ZMPOP 1 a MIN'],
    [(r) => r.zmpop(2, ['a', 'b'], 'MAX', 'COUNT', 3), 'ZMPOP 2 a b MAX COUNT 3'],
  ],
  bzpopmin: [
    [(r) => r.bzpopmin('a', 1), 'BZPOPMIN a 1'],
    [(r) => r.bzpopmin('a', 'b', 1.5), 'BZPOPMIN a b 1.5'],
    [(r) => r.bzpopmin(['a', 'b'], 0), 'BZPOPMIN a b 0'],
  ],
  bzpopmax: [
    [(r) => r.bzpopmax('a', 1), 'BZPOPMAX a 1'],
    [(r) => r.bzpopmax('a', 'b', 1.5), 'BZPOPMAX a b 1.5'],
    [(r) => r.bzpopmax(['a', 'b'], 0), 'BZPOPMAX a b 0'],
  ],
  zdiff: [
    [(r) => r.zdiff(2, 'a', 'b'), 'ZDIFF 2 a b'],
    [(r) => r.zdiff(2, ['a', 'b'], 'WITHSCORES'), 'ZDIFF 2 a b WITHSCORES'],
  ],
  zinter: [
    [(r) => r.zinter(2, 'a', 'b'), 'ZINTER 2 a b'],
    [(r) => r.zinter(2, ['a', 'b'], 'WITHSCORES'), 'ZINTER 2 a b WITHSCORES'],
  ],
  zunion: [
    [(r) => r.zunion(2, 'a', 'b'), 'ZUNION 2 a b'],
    [(r) => r.zunion(2, ['a', 'b'], 'WITHSCORES'), 'ZUNION 2 a b WITHSCORES'],
  ],
  zpopmin: [
    [(r) => r.zpopmin('z'), 'ZPOPMIN z'],
    [(r) => r.zpopmin('z', 2), 'ZPOPMIN z 2'],
  ],
  zpopmax: [
    [(r) => r.zpopmax('z'), 'ZPOPMAX z'],
    [(r) => r.zpopmax('z', 2), 'ZPOPMAX z 2'],
  ],
  zrandmember: [
    [(r) => r.zrandmember('z'), 'ZRANDMEMBER z'],
    [(r) => r.zrandmember('z', 2), 'ZRANDMEMBER z 2'],
    [(r) => r.zrandmember('z', -2, 'WITHSCORES'), 'ZRANDMEMBER z -2 WITHSCORES'],
  ],
  zscan: [
    [(r) => r.zscan('z', 0), 'ZSCAN z 0'],
    [(r) => r.zscan('z', 0, 'COUNT', 5), 'ZSCAN z 0 COUNT 5'],
  ],
  bzmpopBuffer: [
    [(r) => r.bzmpopBuffer(1.5, 1, 'a', 'MIN'), 'BZMPOP 1.5 1 a MIN'],
    [(r) => r.bzmpopBuffer(0, 2, ['a', 'b'], 'MAX', 'COUNT', 3), 'BZMPOP 0 2 a b MAX COUNT 3'],
  ],
  zmpopBuffer: [
    [(r) => r.zmpopBuffer(1, 'a', 'MIN'), 'ZMPOP 1 a MIN'],
    [(r) => r.zmpopBuffer(2, ['a', 'b'], 'MAX', 'COUNT', 3), 'ZMPOP 2 a b MAX COUNT 3'],
  ],
  bzpopminBuffer: [
    [(r) => r.bzpopminBuffer('a', 1), 'BZPOPMIN a 1'],
    [(r) => r.bzpopminBuffer('a', 'b', 1.5), 'BZPOPMIN a b 1.5'],
    [(r) => r.bzpopminBuffer(['a', 'b'], 0), 'BZPOPMIN a b 0'],
  ],
  bzpopmaxBuffer: [
    [(r) => r.bzpopmaxBuffer('a', 1), 'BZPOPMAX a 1'],
    [(r) => r.bzpopmaxBuffer('a', 'b', 1.5), 'BZPOPMAX a b 1.5'],
    [(r) => r.bzpopmaxBuffer(['a', 'b'], 0), 'BZPOPMAX a b 0'],
  ],
  zdiffBuffer: [
    [(r) => r.zdiffBuffer(2, 'a', 'b'), 'ZDIFF 2 a b'],
    [(r) => r.zdiffBuffer(2, ['a', 'b'], 'WITHSCORES'), 'ZDIFF 2 a b WITHSCORES'],
  ],
  zinterBuffer: [
    [(r) => r.zinterBuffer(2, 'a', 'b'), 'ZINTER 2 a b'],
    [(r) => r.zinterBuffer(2, ['a', 'b'], 'WITHSCORES'), 'ZINTER 2 a b WITHSCORES'],
  ],
  zunionBuffer: [
    [(r) => r.zunionBuffer(2, 'a', 'b'), 'ZUNION 2 a b'],
    [(r) => r.zunionBuffer(2, ['a', 'b'], 'WITHSCORES'), 'ZUNION 2 a b WITHSCORES'],
  ],
  zpopminBuffer: [
    [(r) => r.zpopminBuffer('z'), 'ZPOPMIN z'],
    [(r) => r.zpopminBuffer('z', 2), 'ZPOPMIN z 2'],
  ],
  zpopmaxBuffer: [
    [(r) => r.zpopmaxBuffer('z'), 'ZPOPMAX z'],
    [(r) => r.zpopmaxBuffer('z', 2), 'ZPOPMAX z 2'],
  ],
  zrandmemberBuffer: [
    [(r) => r.zrandmemberBuffer('z'), 'ZRANDMEMBER z'],
    [(r) => r.zrandmemberBuffer('z', 2), 'ZRANDMEMBER z 2'],
    [(r) => r.zrandmemberBuffer('z', -2, 'WITHSCORES'), 'ZRANDMEMBER z -2 WITHSCORES'],
  ],
  zscanBuffer: [
    [(r) => r.zscanBuffer('z', 0), 'ZSCAN z 0'],
    [(r) => r.zscanBuffer('z', 0, 'COUNT', 5), 'ZSCAN z 0 COUNT 5'],
  ],
  zdiffstore: [
    [(r) => r.zdiffstore('d', 2, 'a', 'b'), 'ZDIFFSTORE d 2 a b'],
    [(r) => r.zdiffstore('d', 2, ['a', 'b'], 'WEIGHTS', 1, 2), 'ZDIFFSTORE d 2 a b WEIGHTS 1 2'],
  ],
  zinterstore: [
    [(r) => r.zinterstore('d', 2, 'a', 'b'), 'ZINTERSTORE d 2 a b'],
    [(r) => r.zinterstore('d', 2, ['a', 'b'], 'WEIGHTS', 1, 2), 'ZINTERSTORE d 2 a b WEIGHTS 1 2'],
  ],
  zunionstore: [
    [(r) => r.zunionstore('d', 2, 'a', 'b'), 'ZUNIONSTORE d 2 a b'],
    [(r) => r.zunionstore('d', 2, ['a', 'b'], 'WEIGHTS', 1, 2), 'ZUNIONSTORE d 2 a b WEIGHTS 1 2'],
  ],
  zadd: [
    [(r) => r.zadd('z', 1, 'm'), 'ZADD z 1 m'],
    [(r) => r.zadd('z', 'NX', 'CH', 1, 'm', '2.5', 'n'), 'ZADD z NX CH 1 m 2.5 n'],
    [(r) => r.zadd('z', 'XX', 'INCR', 1, 'm'), 'ZADD z XX INCR 1 m'],
    [(r) => r.zadd('z', '+inf', 'm'), 'ZADD z +inf m'],
  ],
  zcard: [[(r) => r.zcard('z'), 'ZCARD z']],
  zincrby: [[(r) => r.zincrby('z', 1.5, 'm'), 'ZINCRBY z 1.5 m']],
  zintercard: [
    [(r) => r.zintercard(2, 'a', 'b'), 'ZINTERCARD 2 a b'],
    [(r) => r.zintercard(2, ['a', 'b'], 'LIMIT', 5), 'ZINTERCARD 2 a b LIMIT 5'],
  ],
  zmscore: [
    [(r) => r.zmscore('z', 'm'), 'ZMSCORE z m'],
    [(r) => r.zmscore('z', 'm', 'n'), 'ZMSCORE z m n'],
    [(r) => r.zmscore('z', ['m', 'n']), 'ZMSCORE z m n'],
  ],
  zrem: [
    [(r) => r.zrem('z', 'm'), 'ZREM z m'],
    [(r) => r.zrem('z', 'm', 'n'), 'ZREM z m n'],
    [(r) => r.zrem('z', ['m', 'n']), 'ZREM z m n'],
  ],
  zscore: [[(r) => r.zscore('z', 'm'), 'ZSCORE z m']],
};
