// The job as a Dag: four nodes per unit.
//
//   read:U ---> lookup:U ---> hash:U ---> store:U
//   (files)     (Redis)       (Worker)    (Redis)
//                               ^
//                             hash:N for every N that U needs
import { Dag } from 'sideloop/scheduler';
import type { Cache, Lookup } from './cache.js';
import { type ListedFile, listFiles } from './file-list.js';
import type { HashResult, HashTask } from './hash-worker.js';
import type { Unit } from './units.js';

/** The stages of a unit, and what each gives. */
export type Results = { [read: `read:${string}`]: ListedFile[] } & {
  [lookup: `lookup:${string}`]: Lookup;
} & { [hash: `hash:${string}`]: HashResult } & { [store: `store:${string}`]: undefined };

export const stages = ['read', 'lookup', 'hash', 'store'] as const;
export type Stage = (typeof stages)[number];

/** The stage of a node, from its name. */
export function stageOf(nodeName: string): Stage {
  return nodeName.slice(0, nodeName.indexOf(':')) as Stage;
}

export function hashDag(project: string, units: readonly Unit[], cache: Cache): Dag<Results> {
  // A Worker with some tasks at hand goes on hashing while the JS thread is blocked.
  const dag = new Dag<Results>({ pool: { concurrentTasksPerWorker: 8 } });
  for (const unit of units) {
    const read = `read:${unit.name}` as const;
    const lookup = `lookup:${unit.name}` as const;
    const hash = `hash:${unit.name}` as const;
    const neededHashes = unit.needs.map((name) => `hash:${name}` as const);

    dag.io(read, { run: () => listFiles(project, unit) });
    dag.io(lookup, {
      needs: [read],
      run: ({ inputs }) => cache.lookUp(unit, takeFrom(inputs, read)),
    });
    dag.cpu(hash, {
      needs: [read, lookup, ...neededHashes],
      module: new URL('./hash-worker.js', import.meta.url),
      export: 'hashUnit',
      input: ({ inputs }): HashTask => ({
        project,
        files: takeFrom(inputs, read).map(({ path, isLink }, index) => ({
          path,
          isLink,
          hash: takeFrom(inputs, lookup).hashes[index],
        })),
        needs: unit.needs.map((name) => ({
          name,
          merkle: takeFrom(inputs, `hash:${name}` as const).merkle,
        })),
      }),
    });
    dag.io(`store:${unit.name}`, {
      needs: [read, lookup, hash, ...neededHashes],
      run: async ({ inputs }): Promise<undefined> => {
        const { hashes, merkle } = takeFrom(inputs, hash);
        const needs = neededHashes.map((need) => takeFrom(inputs, need).merkle);
        const [files, found] = [takeFrom(inputs, read), takeFrom(inputs, lookup)];
        await cache.store(unit, files, found, hashes, merkle, needs);
      },
    });
  }
  return dag;
}

// The names are made at run time, so that the compiler can't know which of them are there.
function takeFrom<Inputs extends object, Name extends keyof Inputs>(
  inputs: Inputs,
  name: Name,
): NonNullable<Inputs[Name]> {
  return inputs[name] as NonNullable<Inputs[Name]>;
}
