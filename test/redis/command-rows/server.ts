import type { Rows } from '../recorder.js';

/** What each command of the family sends, in every form of its method. */
export const serverRows: Rows = {
  eval: [
    [(r) => r.eval('s', 0), 'EVAL s 0'],
    [(r) => r.eval('s', 1, 'k', 'x', 2), 'EVAL s 1 k x 2'],
    [(r) => r.eval('s', 2, ['k', 'j'], 'x'), 'EVAL s 2 k j x'],
  ],
  eval_ro: [
    [(r) => r.eval_ro('s', 0), 'EVAL_RO s 0'],
    [(r) => r.eval_ro('s', 1, 'k', 'x', 2), 'EVAL_RO s 1 k x 2'],
    [(r) => r.eval_ro('s', 2, ['k', 'j'], 'x'), 'EVAL_RO s 2 k j x'],
  ],
  evalsha: [
    [(r) => r.evalsha('s', 0), 'EVALSHA s 0'],
    [(r) => r.evalsha('s', 1, 'k', 'x', 2), 'EVALSHA s 1 k x 2'],
    [(r) => r.evalsha('s', 2, ['k', 'j'], 'x'), 'EVALSHA s 2 k j x'],
  ],
  evalsha_ro: [
    [(r) => r.evalsha_ro('s', 0), 'EVALSHA_RO s 0'],
    [(r) => r.evalsha_ro('s', 1, 'k', 'x', 2), 'EVALSHA_RO s 1 k x 2'],
    [(r) => r.evalsha_ro('s', 2, ['k', 'j'], 'x'), 'EVALSHA_RO s 2 k j x'],
  ],
  publish: [[(r) => r.publish('c', 'm'), 'PUBLISH c m']],
  script: [
    [(r) => r.script('LOAD', 'return 1'), 'SCRIPT LOAD return 1'],
    [(r) => r.script('EXISTS', 'x', 'y'), 'SCRIPT EXISTS x y'],
    [(r) => r.script('FLUSH'), 'SCRIPT FLUSH'],
    [(r) => r.script('FLUSH', 'ASYNC'), 'SCRIPT FLUSH ASYNC'],
    [(r) => r.script('KILL'), 'SCRIPT KILL'],
  ],
  bgrewriteaof: [[(r) => r.bgrewriteaof(), 'BGREWRITEAOF']],
  dbsize: [[(r) => r.dbsize(), 'DBSIZE']],
  lastsave: [[(r) => r.lastsave(), 'LASTSAVE']],
  role: [[(r) => r.role(), 'ROLE']],
  save: [[(r) => r.save(), 'SAVE']],
  time: [[(r) => r.time(), 'TIME']],
  bgsave: [
    [(r) => r.bgsave(), 'BGSAVE'],
    [(r) => r.bgsave('SCHEDULE'), 'BGSAVE SCHEDULE'],
  ],
  command: [
    [(r) => r.command(), 'COMMAND'],
    [(r) => r.command('COUNT'), 'COMMAND COUNT'],
    [(r) => r.command('LIST', 'FILTERBY', 'ACLCAT', 'hash'), 'COMMAND LIST FILTERBY ACLCAT hash'],
    [(r) => r.command('GETKEYS', 'MGET', 'a', 'b'), 'COMMAND GETKEYS MGET a b'],
    [(r) => r.command('INFO', 'get'), 'COMMAND INFO get'],
  ],
  config: [
    [(r) => r.config('GET', 'a*', 'b*'), 'CONFIG GET a* b*'],
    [(r) => r.config('SET', 'a', 1), 'CONFIG SET a 1'],
    [(r) => r.config('RESETSTAT'), 'CONFIG RESETSTAT'],
  ],
  flushall: [
    [(r) => r.flushall(), 'FLUSHALL'],
    [(r) => r.flushall('ASYNC'), 'FLUSHALL ASYNC'],
  ],
  flushdb: [
    [(r) => r.flushdb(), 'FLUSHDB'],
    [(r) => r.flushdb('ASYNC'), 'FLUSHDB ASYNC'],
  ],
  info: [
    [(r) => r.info(), 'INFO'],
    [(r) => r.info('memory'), 'INFO memory'],
    [(r) => r.info('memory', 'cpu'), 'INFO memory cpu'],
  ],
  memory: [
    [(r) => r.memory('USAGE', 'k'), 'MEMORY USAGE k'],
    [(r) => r.memory('USAGE', 'k', 'SAMPLES', 5), 'MEMORY USAGE k SAMPLES 5'],
    [(r) => r.memory('STATS'), 'MEMORY STATS'],
    [(r) => r.memory('DOCTOR'), 'MEMORY DOCTOR'],
    [(r) => r.memory('PURGE'), 'MEMORY PURGE'],
  ],
  slowlog: [
    [(r) => r.slowlog('GET'), 'SLOWLOG GET'],
    [(r) => r.slowlog('GET', 2), 'SLOWLOG GET 2'],
    [(r) => r.slowlog('LEN'), 'SLOWLOG LEN'],
    [(r) => r.slowlog('RESET'), 'SLOWLOG RESET'],
  ],
  swapdb: [[(r) => r.swapdb(0, 1), 'SWAPDB 0 1']],
  wait: [[(r) => r.wait(1, 100), 'WAIT 1 100']],
};
