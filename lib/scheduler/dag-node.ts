import { SideloopTypeError } from '../errors.js';
import { complaintOf, type OptionNames } from '../options.js';
import { isUrl } from '../url.js';

/** Where a node runs: `io` on this JS thread, `cpu` in a Worker. */
export type NodeKind = 'io' | 'cpu';

/** What a node is given when it starts. */
export interface NodeContext<Inputs> {
  /** The node's own name. */
  readonly name: string;
  /** The values of the nodes it needs, by name. */
  readonly inputs: Readonly<Inputs>;
  /** Aborted when the run is. Pass it on to whatever the node waits for. */
  readonly signal: AbortSignal;
}

/** A node that runs on this JS thread and waits for I/O: Redis calls, files, timers. */
export interface IoNode<Results extends object, Name extends keyof Results, Needs> {
  /** The names of the nodes whose values this one takes. They may be added later. */
  readonly needs?: readonly Needs[];
  /** The work. A promise that rejects, or an exception, fails the node. */
  readonly run: (
    context: NodeContext<Pick<Results, Extract<Needs, keyof Results>>>,
  ) => Results[Name] | PromiseLike<Results[Name]>;
}

/** A node that computes: an export of a module, called in a Worker. */
export interface CpuNode<Results extends object, Needs> {
  /** The names of the nodes whose values this one takes. They may be added later. */
  readonly needs?: readonly Needs[];
  /** The module to load in the Worker, as a `file:` URL or an absolute path. */
  readonly module: URL | string;
  /** The export of the module to call with the input. Default: `default`. */
  readonly export?: string;
  /**
   * Makes the function's one argument, on this JS thread, just before the node starts. It must be
   * structured-cloneable. Default: the `inputs` object itself.
   */
  readonly input?: (context: NodeContext<Pick<Results, Extract<Needs, keyof Results>>>) => unknown;
}

/** A node as the Dag keeps it: checked, its types erased. */
export type DagNode = {
  readonly name: string;
  readonly needs: readonly string[];
} & (
  | { readonly kind: 'io'; readonly run: (context: NodeContext<object>) => unknown }
  | {
      readonly kind: 'cpu';
      readonly filename: string;
      readonly exportName: string;
      readonly input: (context: NodeContext<object>) => unknown;
    }
);

const IO_NAMES: OptionNames<IoNode<Record<string, unknown>, string, string>> = {
  needs: true,
  run: true,
};
const CPU_NAMES: OptionNames<CpuNode<Record<string, unknown>, string>> = {
  needs: true,
  module: true,
  export: true,
  input: true,
};

/** Checks an I/O node's definition, which may come from untyped code. */
export function checkedIoNode(name: unknown, node: unknown): DagNode {
  const checkedName = checkName(name);
  const { needs, run } = checkObject(checkedName, node, IO_NAMES, 'an I/O node');
  return {
    kind: 'io',
    name: checkedName,
    needs: checkNeeds(checkedName, needs),
    run: checkFunction(checkedName, 'run', run),
  };
}

/** Checks a CPU node's definition, which may come from untyped code. */
export function checkedCpuNode(name: unknown, node: unknown): DagNode {
  const checkedName = checkName(name);
  const definition = checkObject(checkedName, node, CPU_NAMES, 'a CPU node');
  const { module, export: exportName = 'default', input = passInputs } = definition;
  const filename = isUrl(module) ? module.href : module;
  if (typeof filename !== 'string' || !/^(file:|\/|[A-Za-z]:[\\/])/.test(filename)) {
    throw badNode(checkedName, "'module' must be a file: URL or an absolute path");
  }
  if (typeof exportName !== 'string' || exportName === '') {
    throw badNode(checkedName, "'export' must be the name of one of the module's exports");
  }
  return {
    kind: 'cpu',
    name: checkedName,
    needs: checkNeeds(checkedName, definition.needs),
    filename,
    exportName,
    input: checkFunction(checkedName, 'input', input),
  };
}

function passInputs({ inputs }: NodeContext<object>): unknown {
  return inputs;
}

function checkName(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw badNode(String(name), 'a name must be a string that is not empty');
}

function checkObject(
  name: string,
  node: unknown,
  names: object,
  of: string,
): Record<'needs' | 'run' | 'module' | 'export' | 'input', unknown> {
  if (typeof node !== 'object' || node === null) {
    throw badNode(name, 'the definition must be an object');
  }
  const complaint = complaintOf(node, names, of);
  if (complaint !== undefined) {
    throw new SideloopTypeError('ERR_SIDELOOP_DAG_BAD_NODE', `Node '${name}': ${complaint}`);
  }
  return node as ReturnType<typeof checkObject>;
}

function checkNeeds(name: string, needs: unknown): string[] {
  if (needs === undefined) return [];
  if (!Array.isArray(needs) || !needs.every((need) => typeof need === 'string')) {
    throw badNode(name, "'needs' must be an array of node names");
  }
  return [...needs];
}

function checkFunction(
  name: string,
  field: string,
  value: unknown,
): (context: NodeContext<object>) => unknown {
  if (typeof value !== 'function') throw badNode(name, `'${field}' must be a function`);
  return value as ReturnType<typeof checkFunction>;
}

function badNode(name: string, fact: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_DAG_BAD_NODE', `Node '${name}': ${fact}.`);
}
