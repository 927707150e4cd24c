// npm's graph has cycles (peer dependencies make most of them), and neither a Dag nor a Merkle hash
// can have one. Packages that depend on each other in a circle are therefore one unit, hashed as a
// whole: a change in one of them changes all of them, which is what depending on each other means.
// These are the strongly connected components, and the graph between them has no cycle.
import type { PackageGraph } from './package-graph.js';

/** Packages that are hashed as one: most often a single one. */
export interface Unit {
  /** The first of its folders, or '.' for the project itself, and how many more there are. */
  readonly name: string;
  /** Sorted. */
  readonly folders: readonly string[];
  /** The names of the units that it depends on, sorted. */
  readonly needs: readonly string[];
}

/** The units of the graph, each after all that it depends on. */
export function unitsOf(graph: PackageGraph): Unit[] {
  const nameOf = new Map<string, string>();
  return strongComponents(graph).map((component) => {
    const folders = component.sort();
    const name = (folders[0] || '.') + (folders.length > 1 ? ` +${folders.length - 1}` : '');
    for (const folder of folders) nameOf.set(folder, name);
    const needs = new Set<string>();
    for (const folder of folders) {
      // Tarjan's order: whatever is needed outside of the component has its name already.
      for (const need of graph.get(folder) ?? []) needs.add(nameOf.get(need) as string);
    }
    needs.delete(name);
    return { name, folders, needs: [...needs].sort() };
  });
}

interface Visit {
  readonly folder: string;
  readonly needs: Iterator<string>;
}

// Tarjan's algorithm with a stack of its own, since a graph may be deeper than the call stack.
function strongComponents(graph: PackageGraph): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const components: string[][] = [];

  const lower = (folder: string, to: number) =>
    lowest.set(folder, Math.min(lowest.get(folder) as number, to));
  const enter = (folder: string): Visit => {
    order.set(folder, order.size);
    lowest.set(folder, order.size - 1);
    open.push(folder);
    isOpen.add(folder);
    return { folder, needs: (graph.get(folder) ?? [])[Symbol.iterator]() };
  };
  const leave = (folder: string) => {
    if (lowest.get(folder) !== order.get(folder)) return;
    const component = open.splice(open.lastIndexOf(folder));
    for (const member of component) isOpen.delete(member);
    components.push(component);
  };

  for (const root of graph.keys()) {
    if (order.has(root)) continue;
    const path = [enter(root)];
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const { value: need, done } = visit.needs.next();
      if (done) {
        leave(visit.folder);
        path.pop();
        const caller = path.at(-1);
        if (caller) lower(caller.folder, lowest.get(visit.folder) as number);
      } else if (!order.has(need)) {
        path.push(enter(need));
      } else if (isOpen.has(need)) {
        lower(visit.folder, order.get(need) as number);
      }
    }
  }
  return components;
}
