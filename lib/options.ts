// The names of options, checked in one place: an option that is misspelt would be one that nobody honours.

import { SideloopTypeError } from './errors.js';

/** The names of all options of a kind. One that is missing here, or is none, does not compile. */
export type OptionNames<Options> = { readonly [Name in keyof Options & string]-?: true };

/**
 * `given`, where it is an object that has no name beyond `names`; no options where it is undefined. An option whose value is
 * undefined counts as not given. `of` says in errors whose options they are: `Consumer`, `acquire()`.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option, and the one that was meant.
 */
export function checkedOptions<Options extends object>(
  given: Options | undefined,
  names: OptionNames<Options>,
  of: string,
): Options {
  if (given === undefined) return {} as Options;
  checkNames(given, names, of);
  return given;
}

/**
 * The same for an object that is there. It may also hold what is for others, as what node:http hands on to a connection does:
 * with `others`, only what is nearly one of `names` is refused, and none of `others`, which are near to one and right.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT`.
 */
export function checkNames(given: unknown, names: object, of: string, others?: object): void {
  const complaint = complaintOf(given, names, of, others);
  if (complaint !== undefined) throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', complaint);
}

/** The text of that error; undefined where all is well. For those whose errors have a code of their own. */
export function complaintOf(
  given: unknown,
  names: object,
  of: string,
  others?: object,
): string | undefined {
  const all = Object.keys(names);
  const found = typeof given === 'object' && given !== null ? namesIn(given) : [];
  if (Array.isArray(given) || (found.length === 0 && !isPlain(given))) {
    return `The options of ${of} must be an object of ${all.join(', ')}, and not ${kindOf(given)}.`;
  }
  for (const name of found) {
    if (Object.hasOwn(names, name)) continue;
    const meant = nearestOf(name, all);
    if (meant !== undefined && !(others && Object.hasOwn(others, name))) {
      return `${of} has no option '${name}'. Did you mean '${meant}'?`;
    }
    if (others === undefined) {
      return `${of} has no option '${name}'. It has ${all.join(', ')}.`;
    }
  }
  return undefined;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  const kind = typeof value === 'object' ? tagOf(value) : typeof value;
  return `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

/** False for what is no object, and for one that holds something else than names: a Map, a Set, a Date, a Promise. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const tag = tagOf(value);
  return tag === 'Object' || tag === 'Module';
}

function tagOf(object: object): string {
  return Object.prototype.toString.call(object).slice(8, -1);
}

/** Inherited ones too, since they are honoured like others; not what a library has added to all objects. */
function namesIn(given: object): string[] {
  const names: string[] = [];
  for (const name in given) {
    if (Object.hasOwn(Object.prototype, name) && !Object.hasOwn(given, name)) continue;
    if ((given as Record<string, unknown>)[name] !== undefined) names.push(name);
  }
  return names;
}

/** What a number must be: the name of a duration ends in `Ms`, and its error says so too. */
export function wholeNumber(name: string): string {
  return name.endsWith('Ms') ? 'a whole number of ms' : 'a whole number';
}

// Of its letters that may be other ones: `delay` is `delayMs`, and `port` is not `host`.
const MOST_WRONG = 0.4;

/** The one that was probably meant. Case, '-' and '_' make no difference. */
export function nearestOf(name: string, candidates: readonly string[]): string | undefined {
  const plain = plainOf(name);
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const other = plainOf(candidate);
    const distance = distanceOf(plain, other);
    const most = Math.floor(MOST_WRONG * Math.max(plain.length, other.length));
    if (distance >= least || distance > most) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

// A name of any length costs no more than this one.
const LONGEST = 64;

function plainOf(name: string): string {
  return name.slice(0, LONGEST).toLowerCase().replace(/[-_]/g, '');
}

/** Letters to add, leave out, replace, or exchange with their neighbour, to make `a` of `b`. */
function distanceOf(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] as number) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}
