import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const sortedSetRangesRows: Rows = {
  zcount: [[(r) => r.zcount('z', '-inf', '(5'), 'ZCOUNT z -inf (5']],
  zlexcount: [[(r) => r.zlexcount('z', '[a', '(c'), 'ZLEXCOUNT z [a (c']],
  zrange: [
    [(r) => r.zrange('z', 0, -1), 'ZRANGE z 0 -1'],
    [(r) => r.zrange('z', 0, -1, 'WITHSCORES'), 'ZRANGE z 0 -1 WITHSCORES'],
    [
      (r) => r.zrange('z', '(1', '+inf', 'BYSCORE', 'LIMIT', 0, 5),
      'ZRANGE z (1 +inf BYSCORE LIMIT 0 5',
    ],
  ],
  zrevrange: [
    [(r) => r.zrevrange('z', 0, -1), 'ZREVRANGE z 0 -1'],
    [(r) => r.zrevrange('z', 0, -1, 'WITHSCORES'), 'ZREVRANGE z 0 -1 WITHSCORES'],
  ],
  zrangebylex: [
    [(r) => r.zrangebylex('z', '-', '+'), 'ZRANGEBYLEX z - +'],
    [(r) => r.zrangebylex('z', '-', '+', 'LIMIT', 1, 2), 'ZRANGEBYLEX z - + LIMIT 1 2'],
  ],
  zrevrangebylex: [
    [(r) => r.zrevrangebylex('z', '-', '+'), 'ZREVRANGEBYLEX z - +'],
    [(r) => r.zrevrangebylex('z', '-', '+', 'LIMIT', 1, 2), 'ZREVRANGEBYLEX z - + LIMIT 1 2'],
  ],
  zrangebyscore: [
    [(r) => r.zrangebyscore('z', 1, '+inf'), 'ZRANGEBYSCORE z 1 +inf'],
    [
      (r) => r.zrangebyscore('z', 1, 9, 'WITHSCORES', 'LIMIT', 0, 5),
      'ZRANGEBYSCORE z 1 9 WITHSCORES LIMIT 0 5',
    ],
  ],
  zrevrangebyscore: [
    [(r) => r.zrevrangebyscore('z', 1, '+inf'), 'ZREVRANGEBYSCORE z 1 +inf'],
    [
      (r) => r.zrevrangebyscore('z', 1, 9, 'WITHSCORES', 'LIMIT', 0, 5),
      'ZREVRANGEBYSCORE z 1 9 WITHSCORES LIMIT 0 5',
    ],
  ],
  zrangeBuffer: [
    [(r) => r.zrangeBuffer('z', 0, -1), 'ZRANGE z 0 -1'],
    [(r) => r.zrangeBuffer('z', 0, -1, 'WITHSCORES'), 'ZRANGE z 0 -1 WITHSCORES'],
    [
      (r) => r.zrangeBuffer('z', '(1', '+inf', 'BYSCORE', 'LIMIT', 0, 5),
      'ZRANGE z (1 +inf BYSCORE LIMIT 0 5',
    ],
  ],
  zrevrangeBuffer: [
    [(r) => r.zrevrangeBuffer('z', 0, -1), 'ZREVRANGE z 0 -1'],
    [(r) => r.zrevrangeBuffer('z', 0, -1, 'WITHSCORES'), 'ZREVRANGE z 0 -1 WITHSCORES'],
  ],
  zrangebylexBuffer: [
    [(r) => r.zrangebylexBuffer('z', '-', '+'), 'ZRANGEBYLEX z - +'],
    [(r) => r.zrangebylexBuffer('z', '-', '+', 'LIMIT', 1, 2), 'ZRANGEBYLEX z - + LIMIT 1 2'],
  ],
  zrevrangebylexBuffer: [
    [(r) => r.zrevrangebylexBuffer('z', '-', '+'), 'ZREVRANGEBYLEX z - +'],
    [(r) => r.zrevrangebylexBuffer('z', '-', '+', 'LIMIT', 1, 2), 'ZREVRANGEBYLEX z - + LIMIT 1 2'],
  ],
  zrangebyscoreBuffer: [
    [(r) => r.zrangebyscoreBuffer('z', 1, '+inf'), 'ZRANGEBYSCORE z 1 +inf'],
    [
      (r) => r.zrangebyscoreBuffer('z', 1, 9, 'WITHSCORES', 'LIMIT', 0, 5),
      'ZRANGEBYSCORE z 1 9 WITHSCORES LIMIT 0 5',
    ],
  ],
  zrevrangebyscoreBuffer: [
    [(r) => r.zrevrangebyscoreBuffer('z', 1, '+inf'), 'ZREVRANGEBYSCORE z 1 +inf'],
    [
      (r) => r.zrevrangebyscoreBuffer('z', 1, 9, 'WITHSCORES', 'LIMIT', 0, 5),
      'ZREVRANGEBYSCORE z 1 9 WITHSCORES LIMIT 0 5',
    ],
  ],
  zrangestore: [
    [(r) => r.zrangestore('d', 'z', 0, -1), 'ZRANGESTORE d z 0 -1'],
    [(r) => r.zrangestore('d', 'z', '-', '+', 'BYLEX', 'REV'), 'ZRANGESTORE d z - + BYLEX REV'],
  ],
  zrank: [[(r) => r.zrank('z', 'm'), 'ZRANK z m']],
  zrevrank: [[(r) => r.zrevrank('z', 'm'), 'ZREVRANK z m']],
  zremrangebylex: [[(r) => r.zremrangebylex('z', '[a', '(c'), 'ZREMRANGEBYLEX z [a (c']],
  zremrangebyrank: [[(r) => r.zremrangebyrank('z', 0, -2), 'ZREMRANGEBYRANK z 0 -2']],
  zremrangebyscore: [[(r) => r.zremrangebyscore('z', 1, '(5'), 'ZREMRANGEBYSCORE z 1 (5']],
};
