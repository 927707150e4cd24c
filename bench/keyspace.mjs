// The keys and values that all contestants work on. Built once, before anything is measured.
// Every value differs from its neighbours, so that a client which mixes up replies is found out.
const kKeyCount = 1000;

export function keyspace(prefix, bytes) {
  const indexes = Array.from({ length: kKeyCount }, (_, index) => index);
  return {
    keys: indexes.map((index) => `${prefix}:${String(index).padStart(6, '0')}`),
    values: indexes.map((index) =>
      `${index}-`.padEnd(bytes, String.fromCharCode(97 + (index % 26))),
    ),
  };
}
