import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const hashesRows: Rows = {
  hdel: [
    [(r) => r.hdel('h', 'f'), 'HDEL h f'],
    [(r) => r.hdel('h', 'f', 'g'), 'HDEL h f g'],
    [(r) => r.hdel('h', ['f', 'g']), 'HDEL h f g'],
  ],
  hexists: [[(r) => r.hexists('h', 'f'), 'HEXISTS h f']],
  hget: [[(r) => r.hget('h', 'f'), 'HGET h f']],
  hgetall: [[(r) => r.hgetall('h'), 'HGETALL h']],
  hkeys: [[(r) => r.hkeys('h'), 'HKEYS h']],
  hvals: [[(r) => r.hvals('h'), 'HVALS h']],
  hmget: [
    [(r) => r.hmget('h', 'f'), 'HMGET h f'],
    [(r) => r.hmget('h', 'f', 'g'), 'HMGET h f g'],
    [(r) => r.hmget('h', ['f', 'g']), 'HMGET h f g'],
  ],
  hrandfield: [
    [(r) => r.hrandfield('h'), 'HRANDFIELD h'],
    [(r) => r.hrandfield('h', 2), 'HRANDFIELD h 2'],
    [(r) => r.hrandfield('h', -2, 'WITHVALUES'), 'HRANDFIELD h -2 WITHVALUES'],
  ],
  hscan: [
    [(r) => r.hscan('h', 0), 'HSCAN h 0'],
    [(r) => r.hscan('h', '3', 'MATCH', 'f*', 'COUNT', 5), 'HSCAN h 3 MATCH f* COUNT 5'],
  ],
  hgetBuffer: [[(r) => r.hgetBuffer('h', 'f'), 'HGET h f']],
  hgetallBuffer: [[(r) => r.hgetallBuffer('h'), 'HGETALL h']],
  hkeysBuffer: [[(r) => r.hkeysBuffer('h'), 'HKEYS h']],
  hvalsBuffer: [[(r) => r.hvalsBuffer('h'), 'HVALS h']],
  hmgetBuffer: [
    [(r) => r.hmgetBuffer('h', 'f'), 'HMGET h f'],
    [(r) => r.hmgetBuffer('h', 'f', 'g'), 'HMGET h f g'],
    [(r) => r.hmgetBuffer('h', ['f', 'g']), 'HMGET h f g'],
  ],
  hrandfieldBuffer: [
    [(r) => r.hrandfieldBuffer('h'), 'HRANDFIELD h'],
    [(r) => r.hrandfieldBuffer('h', 2), 'HRANDFIELD h 2'],
    [(r) => r.hrandfieldBuffer('h', -2, 'WITHVALUES'), 'HRANDFIELD h -2 WITHVALUES'],
  ],
  hscanBuffer: [
    [(r) => r.hscanBuffer('h', 0), 'HSCAN h 0'],
    [(r) => r.hscanBuffer('h', '3', 'MATCH', 'f*', 'COUNT', 5), 'HSCAN h 3 MATCH f* COUNT 5'],
  ],
  hincrby: [[(r) => r.hincrby('h', 'f', 5), 'HINCRBY h f 5']],
  hincrbyfloat: [[(r) => r.hincrbyfloat('h', 'f', '1.5'), 'HINCRBYFLOAT h f 1.5']],
  hlen: [[(r) => r.hlen('h'), 'HLEN h']],
  hset: [
    [(r) => r.hset('h', 'f', 'v'), 'HSET h f v'],
    [(r) => r.hset('h', 'f', 1, 'g', 2), 'HSET h f 1 g 2'],
    [(r) => r.hset('h', { f: 1, g: 'x' }), 'HSET h f 1 g x'],
    [(r) => r.hset('h', new Map([['f', 1]])), 'HSET h f 1'],
  ],
  hmset: [
    [(r) => r.hmset('h', 'f', 'v'), 'HMSET h f v'],
    [(r) => r.hmset('h', 'f', 1, 'g', 2), 'HMSET h f 1 g 2'],
    [(r) => r.hmset('h', { f: 1, g: 'x' }), 'HMSET h f 1 g x'],
    [(r) => r.hmset('h', new Map([['f', 1]])), 'HMSET h f 1'],
  ],
  hsetnx: [[(r) => r.hsetnx('h', 'f', 'v'), 'HSETNX h f v']],
  hstrlen: [[(r) => r.hstrlen('h', 'f'), 'HSTRLEN h f']],
};
