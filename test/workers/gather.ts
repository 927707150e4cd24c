/** What comes until `count` have, or until the last. */
export function gather<T>(count: number): {
  all: T[];
  add: (item: T) => void;
  done: Promise<void>;
} {
  const all: T[] = [];
  let resolve = () => {};
  const done = new Promise<void>((settle) => {
    resolve = settle;
  });
  return {
    all,
    done,
    add: (item) => {
      if (all.push(item) === count) resolve();
    },
  };
}
