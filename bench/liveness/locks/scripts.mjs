// The two scripts of a lock that everybody writes, as the documentation of SET recommends them.
export const extendIfMine =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) else return 0 end";
export const deleteIfMine =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

// Renews three times in a lease, which is what such code does: one attempt may fail.
export const renewThrice = ({ leaseMs }) => Math.floor(leaseMs / 3);
