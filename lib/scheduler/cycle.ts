import type { DagNode } from './dag-node.js';

/**
 * A circle of nodes of which each needs the next and the last is the first again, or undefined if
 * there is none. Takes time in proportion to nodes and dependencies, and no stack.
 *
 * Requires: every dependency is one of the nodes.
 */
export function findCycle(nodes: ReadonlyMap<string, DagNode>): string[] | undefined {
  const stuck = findStuck(nodes);
  const [first] = stuck;
  if (first === undefined) return undefined;

  // Every stuck node needs another stuck one, so that following them must come round.
  const walked = new Map<string, number>();
  const path: string[] = [];
  for (let name = first; ; ) {
    const seenAt = walked.get(name);
    if (seenAt !== undefined) return rotate(path.slice(seenAt), nodes);
    walked.set(name, path.length);
    path.push(name);
    name = (nodes.get(name) as DagNode).needs.find((need) => stuck.has(need)) as string;
  }
}

// The nodes that could never start, which are those on a circle and those that need one.
function findStuck(nodes: ReadonlyMap<string, DagNode>): Set<string> {
  const stuck = new Set(nodes.keys());
  const missing = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  const free: string[] = [];
  for (const { name, needs } of nodes.values()) {
    missing.set(name, needs.length);
    if (needs.length === 0) free.push(name);
    for (const need of needs) {
      const known = dependents.get(need);
      if (known) known.push(name);
      else dependents.set(need, [name]);
    }
  }
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    stuck.delete(name);
    for (const dependent of dependents.get(name) ?? []) {
      const left = (missing.get(dependent) as number) - 1;
      missing.set(dependent, left);
      if (left === 0) free.push(dependent);
    }
  }
  return stuck;
}

// Begins with the node that was added first, so that the same Dag always names the same path.
function rotate(circle: readonly string[], nodes: ReadonlyMap<string, DagNode>): string[] {
  const members = new Set(circle);
  let start = 0;
  for (const name of nodes.keys()) {
    if (members.has(name)) {
      start = circle.indexOf(name);
      break;
    }
  }
  const rotated = [...circle.slice(start), ...circle.slice(0, start)];
  return [...rotated, rotated[0] as string];
}
