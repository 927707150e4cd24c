// The dependency graph that an npm lockfile (version 2 or 3) describes. Pure: no file is read here.

/** An entry of the lockfile's `packages`, as far as it is used here. */
export interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  /** True for a symbolic link to the package at `resolved`, as workspaces have them. */
  readonly link?: boolean;
  readonly resolved?: string;
}

export interface Lockfile {
  readonly lockfileVersion: number;
  /** By folder, relative to the project: '' is the project, 'node_modules/a' a package. */
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}

/** The folders that each installed package's folder depends on, sorted. May have cycles. */
export type PackageGraph = ReadonlyMap<string, readonly string[]>;

/**
 * Resolves every dependency as node does, to the nearest node_modules folder that has it. What the
 * lockfile lists but `isInstalled` denies is left out: npm lists the packages of every platform.
 */
export function packageGraph(
  lockfile: Lockfile,
  isInstalled: (folder: string) => boolean,
): PackageGraph {
  const { packages } = lockfile;
  if (packages === undefined) {
    throw new Error(
      `A lockfile of version ${lockfile.lockfileVersion} has no packages: use npm 7 or later.`,
    );
  }
  const folders = Object.keys(packages).filter(
    (folder) => !packages[folder]?.link && isInstalled(folder),
  );
  const installed = new Set(folders);
  const graph = new Map<string, string[]>();
  for (const folder of folders.sort()) {
    const needs = new Set<string>();
    for (const { name, required } of dependenciesOf(packages[folder] ?? {}, folder === '')) {
      const found = resolve(packages, folder, name);
      if (found === undefined && required) {
        throw new Error(
          `'${folder}' depends on '${name}', which is not in the lockfile: run npm install.`,
        );
      }
      if (found !== undefined && found !== folder && installed.has(found)) needs.add(found);
    }
    graph.set(folder, [...needs].sort());
  }
  return graph;
}

function* dependenciesOf(locked: LockedPackage, isProject: boolean) {
  const optional = { ...locked.peerDependencies, ...locked.optionalDependencies };
  const required = { ...locked.dependencies, ...(isProject ? locked.devDependencies : {}) };
  for (const name of Object.keys({ ...required, ...optional })) {
    yield { name, required: !(name in optional) };
  }
}

function resolve(
  packages: Readonly<Record<string, LockedPackage>>,
  from: string,
  name: string,
): string | undefined {
  for (let folder: string | undefined = from; folder !== undefined; folder = parent(folder)) {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const found = packages[candidate];
    if (found) return found.link ? found.resolved : candidate;
  }
  return undefined;
}

// The folder whose node_modules holds this one, and for a workspace the project.
function parent(folder: string): string | undefined {
  if (folder === '') return undefined;
  const at = folder.lastIndexOf('node_modules/');
  return at <= 0 ? '' : folder.slice(0, at - 1);
}
