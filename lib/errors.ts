// All errors of this package. The native side hands over codes and texts; every Error object is made here.
//
// Their names are fields: an assignment fails where a program has frozen Error.prototype.

import { getSystemErrorMap } from 'node:util';

/** Every error of this package's own: `code` is stable, `message` says what happened and what to do. */
export class SideloopError extends Error {
  override name = 'SideloopError';
  /** `ERR_SIDELOOP_...` */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A wrong argument. Nothing was done. */
export class SideloopTypeError extends TypeError {
  override name = 'SideloopTypeError';
  /** `ERR_SIDELOOP_...` */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A failed system call, as Node's own modules report it: `code` is the system's name, such as `ENOENT`. */
export class SystemError extends Error {
  /** As Node's own: the code tells them apart, not the name. */
  override name = 'Error';
  /** The system's name for the error: `ENOENT`, `ECONNREFUSED`. */
  readonly code: string;
  /** Its negative number. */
  readonly errno: number;
  /** The system call: `open`, `read`, `connect`. */
  readonly syscall: string;
  /** The file's path, where there is one. */
  declare readonly path?: string;
  /** The address of the other side, where there is one. */
  declare readonly address?: string;
  /** Its port. */
  declare readonly port?: number;

  constructor(errno: number, syscall: string, about: SystemErrorSubject = {}) {
    const [code, text] = getSystemErrorMap().get(errno) ?? [`UNKNOWN${errno}`, 'unknown error'];
    const { path, address, port } = about;
    const subject =
      path !== undefined
        ? ` '${path}'`
        : address === undefined
          ? ''
          : ` ${port === undefined ? address : `${bracketed(address)}:${port}`}`;
    super(`${code}: ${text}, ${syscall}${subject}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    Object.assign(this, about);
  }
}

/** An address with colons of its own is told from its port by brackets. */
function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** What a system call was made on. */
export interface SystemErrorSubject {
  path?: string;
  address?: string;
  port?: number;
}

/** A file too large for one Buffer, as Node's own readFile reports it: `code` is `ERR_FS_FILE_TOO_LARGE`. */
export class FileTooLargeError extends RangeError {
  /** As Node's own: the code tells them apart, not the name. */
  override name = 'RangeError';
  /** `ERR_FS_FILE_TOO_LARGE` */
  readonly code = 'ERR_FS_FILE_TOO_LARGE';

  constructor(size: number) {
    super(`File size (${size}) is greater than 2 GiB`);
  }
}

/** The caller's AbortSignal was aborted, as Node's own modules report it: `code` is `ABORT_ERR`. */
export class AbortError extends Error {
  override name = 'AbortError';
  /** `ABORT_ERR` */
  readonly code = 'ABORT_ERR';

  /** `signal.reason` becomes the cause. */
  constructor(signal: AbortSignal) {
    super('The operation was aborted', { cause: signal.reason });
  }
}

/** An error of a Redis client: of the connection, or of the server. */
export class RedisError extends SideloopError {
  /** The command's name, where the error belongs to one. */
  readonly command: string | undefined;
  /** True where the server may have executed the command although its reply never arrived. */
  readonly mayHaveRun: boolean;
  /**
   * True where the server could not do it for now, and did nothing: the same command may be sent again after a pause. So
   * with BUSY, TRYAGAIN, CLUSTERDOWN, LOADING, MASTERDOWN, OOM, MISCONF, NOREPLICAS, and a server that takes no more
   * connections. A script, a function or a module's command may say the like of itself when it has run: of these it is true
   * only where the whole sentence is one that the server says before it runs any.
   */
  readonly retryable: boolean;

  constructor(
    code: string,
    message: string,
    command?: string,
    mayHaveRun = false,
    retryable = false,
  ) {
    super(code, message);
    this.name = 'RedisError';
    this.command = command;
    this.mayHaveRun = mayHaveRun;
    this.retryable = retryable;
  }
}

/**
 * The server's own error reply. `message` is its text, with `***` for what it puts into quotation marks, as that may be an
 * argument of the command: a password, a part of a script. Names of commands, options, streams and groups stay.
 */
export class ReplyError extends RedisError {
  /** `runsCode`: the command runs somebody's code, which may have said so. */
  constructor(text: string, command?: string, runsCode = false, retryable?: boolean) {
    const isRefused = runsCode ? isRefusedUnseen : isNotNow;
    super(replyCode(text), withoutArguments(text), command, false, retryable ?? isRefused(text));
    this.name = 'ReplyError';
  }
}

/** The server discarded a transaction, of which nothing ran: `ERR_SIDELOOP_REDIS_EXECABORT`. */
export class TransactionError extends ReplyError {
  /** What it said to the commands that it refused; `retryable` is true where each of these may be repeated. */
  readonly previousErrors: readonly Error[];

  constructor(text: string, previousErrors: readonly Error[]) {
    // What it met at EXEC itself stands behind this; of what it said to the commands it knows no more.
    const reason = text.split('discarded because of: ')[1] ?? '';
    const isOfCommands =
      previousErrors.length > 0 && (reason === '' || reason.startsWith('previous errors'));
    super(
      text,
      'EXEC',
      false,
      (isOfCommands || isNotNow(reason)) &&
        previousErrors.every((e) => e instanceof RedisError && e.retryable),
    );
    this.name = 'TransactionError';
    this.previousErrors = previousErrors;
  }
}

// The first words of error replies that users tell apart. Any other gets ERR_SIDELOOP_REDIS_REPLY.
const REPLY_WORDS = new Set(
  (
    'ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT EXECABORT INPROG LOADING MASTERDOWN MISCONF MOVED ' +
    'NOAUTH NOGROUP NOPERM NOPROTO NOREPLICAS NOSCRIPT NOTBUSY OOM READONLY TRYAGAIN UNBLOCKED ' +
    'UNKILLABLE WRONGPASS WRONGTYPE'
  ).split(' '),
);

// What resp/refusal.h calls kNotNow.
const NOT_NOW = /^(BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|TRYAGAIN)( |$)/;
// How a server ends what a command inside of a script said: what the script did before that is done.
const FROM_SCRIPT = / script: \S+, on @user_/;

function isNotNow(text: string): boolean {
  return NOT_NOW.test(text) && !FROM_SCRIPT.test(text);
}

// What a server says of itself before it runs a script, a function or a module's command, and what none of these gets to hear
// from inside, so that it could pass it on. So not OOM, MISCONF and NOREPLICAS in their usual words. `***` stands for what is
// hidden in a message.
const REFUSED_UNSEEN = [
  /^LOADING \S+ is loading the dataset in memory$/,
  /^BUSY \S+ is busy running a (script\. You can only call (SCRIPT|FUNCTION) KILL or SHUTDOWN NOSAVE|module command)\.$/,
  /^MASTERDOWN Link with MASTER is down and (replica|slave)-serve-stale-data is set to '(no|\*\*\*)'\.$/,
  /^MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to '.*' flag is not set on the script\.$/,
  /^OOM allow-oom flag is not set on the script, can not run it when used memory > '(maxmemory|\*\*\*)'$/,
  /^TRYAGAIN Multiple keys request during rehashing of slot$/,
  /^CLUSTERDOWN (Hash slot not served|The cluster is down( and only accepts read commands)?)$/,
];

function isRefusedUnseen(text: string): boolean {
  return REFUSED_UNSEEN.some((sentence) => sentence.test(text));
}

function replyCode(text: string): string {
  const word = text.slice(0, text.search(/[^A-Z]|$/));
  return `ERR_SIDELOOP_REDIS_${REPLY_WORDS.has(word) ? word : 'REPLY'}`;
}

// How errors begin that put something into quotation marks which is no value of the caller's: the names of commands, of
// options, of streams and groups, the words of the Lua compiler. A pattern takes no more than that, so that nothing which the
// caller gave is taken for it.
const EXPLAINED = [
  /^(ERR )?unknown command (['`"])[^'`"]*\2/i,
  /^ERR wrong number of arguments for (['`"])[\w|.-]+\1 command/i,
  /^ERR Can't execute '[\w|.-]+'/,
  /^ERR CONFIG SET failed \(possibly related to argument '[\w.-]+'\)/,
  /^NOPERM [^'`"]* to run the '[\w|.-]+' command/,
  /^NOGROUP .*/s,
  /^ERR (DEBUG|MODULE) command not allowed\..*/s,
  /^ERR Error compiling [^'`"]*'(?:[^\w\s'`"]{1,2}|end|then|do|until|in|<eof>|<name>)' expected( \(to close '(?:\w+|[({[])' at line \d+\))?/,
];

// All from the first quotation mark to the last, for what stands between may have some too. A mark within a word is none.
const QUOTED = /(?<!\w)(['`"]).*(['`"])(?!\w)|(?<!\w)(['`"]).*/s;

// Where an argument comes without quotation marks, to the end.
const ANNOUNCED = new RegExp(
  '(?<=, with args beginning with: ' +
    '|^ERR Unsupported CONFIG parameter: ' +
    '|^ERR Invalid metadata value given: ' +
    '|^ERR [\\w ]* shebang(?: option)?: ).+',
  's',
);

/**
 * The server's words without what was given to the command. Which arguments that were nobody knows any more when it fails, so
 * what a server puts into quotation marks is taken for one, unless the sentence says that it is none.
 */
export function withoutArguments(text: string): string {
  const explained = EXPLAINED.map((pattern) => pattern.exec(text)?.[0] ?? '').find(Boolean) ?? '';
  const rest = text.slice(explained.length).replace(QUOTED, hide);
  return (explained + rest).replace(ANNOUNCED, '***');
}

function hide(_: string, opening?: string, closing?: string, unclosed?: string): string {
  return unclosed === undefined ? `${opening}***${closing}` : `${unclosed}***`;
}

/** What the native side says of failed commands: one error for each of `count`. */
export interface Failure {
  count: number;
  toError(command?: string, runsCode?: boolean): SideloopError;
}

/** Reads `<count>\n<1|0: may have run>\n<code>\n<message>`, as native/base/delivery.h writes it. */
export function parseFailure(text: string): Failure {
  const afterCount = text.indexOf('\n');
  const afterFlag = text.indexOf('\n', afterCount + 1);
  const afterCode = text.indexOf('\n', afterFlag + 1);
  const count = Number(text.slice(0, afterCount));
  const mayHaveRun = text.slice(afterCount + 1, afterFlag) === '1';
  const code = text.slice(afterFlag + 1, afterCode);
  const message = text.slice(afterCode + 1);
  return {
    count,
    toError: (command, runsCode) => nativeError(code, message, command, mayHaveRun, runsCode),
  };
}

/** What came back from the loop thread settles more commands than wait. */
export function deliveryError(count: number, waiting: number, command?: string): RedisError {
  return nativeError(
    'DELIVERY',
    `What came back from the loop thread settles ${count} commands where ${waiting} wait. This is a defect of sideloop: report it`,
    command,
    true,
  ) as RedisError;
}

/** The error for a native code and its message, which comes without its full stop. */
export function nativeError(
  code: string,
  message: string,
  command?: string,
  mayHaveRun = false,
  runsCode = false,
): SideloopError {
  if (code === 'REDIS_REPLY') return new ReplyError(message, command, runsCode);
  // A refused handshake says why in the server's own words, which have a code of their own.
  const specific = code === 'REDIS_AUTH' ? replyCode(message) : 'ERR_SIDELOOP_REDIS_REPLY';
  const full = specific === 'ERR_SIDELOOP_REDIS_REPLY' ? `ERR_SIDELOOP_${code}` : specific;
  return new RedisError(full, `${message}.`, command, mayHaveRun, code === 'REDIS_UNAVAILABLE');
}
