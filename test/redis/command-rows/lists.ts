import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const listsRows: Rows = {
  blmove: [[(r) => r.blmove('a', 'b', 'LEFT', 'RIGHT', 1.5), 'BLMOVE a b LEFT RIGHT 1.5']],
  blmpop: [
    [(r) => r.blmpop(1.5, 2, 'a', 'b', 'LEFT'), 'BLMPOP 1.5 2 a b LEFT'],
    [(r) => r.blmpop(0, 2, ['a', 'b'], 'RIGHT', 'COUNT', 3), 'BLMPOP 0 2 a b RIGHT COUNT 3'],
  ],
  blpop: [
    [(r) => r.blpop('a', 1), 'BLPOP a 1'],
    [(r) => r.blpop('a', 'b', 1.5), 'BLPOP a b 1.5'],
    [(r) => r.blpop(['a', 'b'], 0), 'BLPOP a b 0'],
  ],
  brpop: [
    [(r) => r.brpop('a', 1), 'BRPOP a 1'],
    [(r) => r.brpop('a', 'b', 1.5), 'BRPOP a b 1.5'],
    [(r) => r.brpop(['a', 'b'], 0), 'BRPOP a b 0'],
  ],
  brpoplpush: [[(r) => r.brpoplpush('a', 'b', 1), 'BRPOPLPUSH a b 1']],
  lindex: [[(r) => r.lindex('l', -1), 'LINDEX l -1']],
  lmove: [[(r) => r.lmove('a', 'b', 'LEFT', 'RIGHT'), 'LMOVE a b LEFT RIGHT']],
  lmpop: [
    [(r) => r.lmpop(1, 'a', 'LEFT'), 'LMPOP 1 a LEFT'],
    [(r) => r.lmpop(2, ['a', 'b'], 'RIGHT', 'COUNT', 3), 'LMPOP 2 a b RIGHT COUNT 3'],
  ],
  lpop: [
    [(r) => r.lpop('l'), 'LPOP l'],
    [(r) => r.lpop('l', 2), 'LPOP l 2'],
  ],
  rpop: [
    [(r) => r.rpop('l'), 'RPOP l'],
    [(r) => r.rpop('l', 2), 'RPOP l 2'],
  ],
  lrange: [[(r) => r.lrange('l', 0, -1), 'LRANGE l 0 -1']],
  rpoplpush: [[(r) => r.rpoplpush('a', 'b'), 'RPOPLPUSH a b']],
  blmoveBuffer: [
    [(r) => r.blmoveBuffer('a', 'b', 'LEFT', 'RIGHT', 1.5), 'BLMOVE a b LEFT RIGHT 1.5'],
  ],
  blmpopBuffer: [
    [(r) => r.blmpopBuffer(1.5, 2, 'a', 'b', 'LEFT'), 'BLMPOP 1.5 2 a b LEFT'],
    [(r) => r.blmpopBuffer(0, 2, ['a', 'b'], 'RIGHT', 'COUNT', 3), 'BLMPOP 0 2 a b RIGHT COUNT 3'],
  ],
  blpopBuffer: [
    [(r) => r.blpopBuffer('a', 1), 'BLPOP a 1'],
    [(r) => r.blpopBuffer('a', 'b', 1.5), 'BLPOP a b 1.5'],
    [(r) => r.blpopBuffer(['a', 'b'], 0), 'BLPOP a b 0'],
  ],
  brpopBuffer: [
    [(r) => r.brpopBuffer('a', 1), 'BRPOP a 1'],
    [(r) => r.brpopBuffer('a', 'b', 1.5), 'BRPOP a b 1.5'],
    [(r) => r.brpopBuffer(['a', 'b'], 0), 'BRPOP a b 0'],
  ],
  brpoplpushBuffer: [[(r) => r.brpoplpushBuffer('a', 'b', 1), 'BRPOPLPUSH a b 1']],
  lindexBuffer: [[(r) => r.lindexBuffer('l', -1), 'LINDEX l -1']],
  lmoveBuffer: [[(r) => r.lmoveBuffer('a', 'b', 'LEFT', 'RIGHT'), 'LMOVE a b LEFT RIGHT']],
  lmpopBuffer: [
    [(r) => r.lmpopBuffer(1, 'a', 'LEFT'), 'LMPOP 1 a LEFT'],
    [(r) => r.lmpopBuffer(2, ['a', 'b'], 'RIGHT', 'COUNT', 3), 'LMPOP 2 a b RIGHT COUNT 3'],
  ],
  lpopBuffer: [
    [(r) => r.lpopBuffer('l'), 'LPOP l'],
    [(r) => r.lpopBuffer('l', 2), 'LPOP l 2'],
  ],
  rpopBuffer: [
    [(r) => r.rpopBuffer('l'), 'RPOP l'],
    [(r) => r.rpopBuffer('l', 2), 'RPOP l 2'],
  ],
  lrangeBuffer: [[(r) => r.lrangeBuffer('l', 0, -1), 'LRANGE l 0 -1']],
  rpoplpushBuffer: [[(r) => r.rpoplpushBuffer('a', 'b'), 'RPOPLPUSH a b']],
  linsert: [[(r) => r.linsert('l', 'BEFORE', 'p', 'v'), 'LINSERT l BEFORE p v']],
  llen: [[(r) => r.llen('l'), 'LLEN l']],
  lpos: [
    [(r) => r.lpos('l', 'v'), 'LPOS l v'],
    [(r) => r.lpos('l', 'v', 'RANK', -1, 'COUNT', 0), 'LPOS l v RANK -1 COUNT 0'],
  ],
  lpush: [
    [(r) => r.lpush('l', 'v'), 'LPUSH l v'],
    [(r) => r.lpush('l', 'v', 1), 'LPUSH l v 1'],
    [(r) => r.lpush('l', ['v', 'w']), 'LPUSH l v w'],
  ],
  lpushx: [
    [(r) => r.lpushx('l', 'v'), 'LPUSHX l v'],
    [(r) => r.lpushx('l', 'v', 1), 'LPUSHX l v 1'],
    [(r) => r.lpushx('l', ['v', 'w']), 'LPUSHX l v w'],
  ],
  rpush: [
    [(r) => r.rpush('l', 'v'), 'RPUSH l v'],
    [(r) => r.rpush('l', 'v', 1), 'RPUSH l v 1'],
    [(r) => r.rpush('l', ['v', 'w']), 'RPUSH l v w'],
  ],
  rpushx: [
    [(r) => r.rpushx('l', 'v'), 'RPUSHX l v'],
    [(r) => r.rpushx('l', 'v', 1), 'RPUSHX l v 1'],
    [(r) => r.rpushx('l', ['v', 'w']), 'RPUSHX l v w'],
  ],
  lrem: [[(r) => r.lrem('l', -2, 'v'), 'LREM l -2 v']],
  lset: [[(r) => r.lset('l', 0, 'v'), 'LSET l 0 v']],
  ltrim: [[(r) => r.ltrim('l', 0, 9), 'LTRIM l 0 9']],
};
