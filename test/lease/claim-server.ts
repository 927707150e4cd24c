// A server of Redis 8.4 as far as a consumer sees it, that says what a test tells it to: reads wait until the test answers
// them, and so do the scripts that sift what a read has taken over.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SCRIPTS } from './consumer-scripts.js';

/** As the server sends it: id, fields or null, ms since it was delivered last, deliveries before. */
export type ClaimedEntry = [
  id: string,
  fields: string[] | null,
  idleMs?: number,
  deliveries?: number,
];

export interface Asked {
  args: string[];
  connection: number;
  /** RESP text. */
  answer(reply: string): void;
}

export interface ClaimServerOptions {
  /** The text of INFO server, or an error: `-NOPERM ...`. Default: that of Redis 8.4.0. */
  info?: string;
  /** Answers CLAIM as a server that does not know it. */
  refuses?: boolean;
}

type Kind = 'read' | keyof typeof SCRIPTS | 'other';

/** Of RESP 2, as the connections of consumers speak it. */
export const NOTHING = '*-1\r\n';
const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const list = (items: string[]) => `*${items.length}\r\n${items.join('')}`;
const numbers = (values: number[]) => list(values.map((value) => `:${value}\r\n`));

export class ClaimServer implements AsyncDisposable {
  /** All commands that came, in order. */
  readonly commands: Asked[] = [];
  readonly #options: ClaimServerOptions;
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #waiters = new Set<() => void>();
  #waitingRead: Asked | undefined;

  static async start(options: ClaimServerOptions = {}): Promise<ClaimServer> {
    const server = new ClaimServer(options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  private constructor(options: ClaimServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Those of a kind that came so far. */
  all(kind: Kind | string): Asked[] {
    return this.commands.filter(({ args }) => kindOf(args) === kind || args[0] === kind);
  }

  /** Resolves with the `nth` of a kind, or of a command's name, counted from 1. */
  nth(kind: Kind | string, nth = 1): Promise<Asked> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.all(kind)[nth - 1];
        if (found === undefined) return;
        this.#waiters.delete(look);
        resolve(found);
      };
      this.#waiters.add(look);
      look();
    });
  }

  /** Ends a connection without a word. */
  drop(connection: number): void {
    this.#sockets[connection]?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    const connection = this.#sockets.push(socket) - 1;
    let unread = Buffer.alloc(0);
    const unanswered: { reply?: string }[] = [];
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      for (let command = readCommand(unread); command; command = readCommand(unread)) {
        unread = unread.subarray(command.size);
        // An answer waits for those of the commands before it, as at any server.
        const place: { reply?: string } = {};
        unanswered.push(place);
        const answer = (reply: string) => {
          place.reply = reply;
          for (; unanswered[0]?.reply !== undefined; unanswered.shift()) {
            socket.write(unanswered[0].reply);
          }
        };
        const asked = { args: command.args, connection, answer };
        this.commands.push(asked);
        this.#answer(asked);
      }
      for (const waiter of this.#waiters) waiter();
    });
  }

  #answer(asked: Asked): void {
    const { args, connection } = asked;
    const kind = kindOf(args);
    if (kind === 'read') {
      if (args.includes('CLAIM') && this.#options.refuses) asked.answer('-ERR syntax error\r\n');
      else this.#waitingRead = asked;
    } else if (kind === 'other' || kind === 'clean') {
      asked.answer(this.#replyTo(args, connection));
    } else if (kind === 'recover') {
      asked.answer(list([list([]), ':0\r\n', bulk(''), list([]), bulk('')]));
    } else if (kind === 'handBack') {
      asked.answer(':1\r\n');
    } else if (kind === 'ack') {
      asked.answer(list([numbers(idsOf(args).map(() => 1)), bulk(''), ':0\r\n']));
    } else if (kind !== 'sift') {
      asked.answer(numbers(idsOf(args).map(() => 1)));
    }
  }

  #replyTo(args: string[], connection: number): string {
    const info =
      this.#options.info ?? '# Server\r\nredis_version:8.4.0\r\nredis_mode:standalone\r\n';
    if (args[0] === 'HELLO') return '%1\r\n+proto\r\n:3\r\n';
    if (args[0] === 'INFO') return info.startsWith('-') ? `${info}\r\n` : bulk(info);
    if (args[0] === 'EVAL') return list([':0\r\n', ':-1\r\n', ':0\r\n', bulk('')]);
    if (args[0] === 'CLIENT' && args[1] === 'ID') return `:${connection + 1}\r\n`;
    if (args[0] === 'CLIENT' && args[1] === 'UNBLOCK') {
      this.#waitingRead?.answer(NOTHING);
      this.#waitingRead = undefined;
      return ':1\r\n';
    }
    return '+OK\r\n';
  }
}

/** The answer to a read. */
export function entries(...found: ClaimedEntry[]): string {
  const rows = found.map(([id, fields, ...counts]) =>
    list([
      bulk(id),
      fields === null ? NOTHING : list(fields.map(bulk)),
      ...counts.map((count) => `:${count}\r\n`),
    ]),
  );
  return list([list([bulk('jobs'), list(rows)])]);
}

/** The answer to a sift. */
export function sifted(results: number[], complaint = ''): string {
  return list([numbers(results), bulk(complaint)]);
}

/** The `[id, deliveries]` that a script is asked about. */
export function idsOf(args: string[]): [string, string][] {
  const kind = kindOf(args);
  const [first, step] = kind === 'sift' ? [10, 2] : kind === 'ack' ? [8, 2] : [6, 3];
  const found: [string, string][] = [];
  for (let i = first; i < args.length; i += step) {
    found.push([args[i] as string, args[i + 1] as string]);
  }
  return found;
}

function kindOf(args: string[]): Kind {
  if (args[0] === 'XREADGROUP') return 'read';
  const script = Object.entries(SCRIPTS).find(([, text]) => args[0] === 'EVAL' && args[1] === text);
  return script === undefined ? 'other' : (script[0] as Kind);
}

/** The command at the start of the bytes, once all of it is there: an array of bulk strings. */
function readCommand(bytes: Buffer): { args: string[]; size: number } | undefined {
  const args: string[] = [];
  let at = bytes.indexOf('\r\n') + 2;
  if (at < 2) return undefined;
  for (let left = Number(bytes.toString('latin1', 1, at - 2)); left > 0; left--) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const next = end + 2 + Number(bytes.toString('latin1', at + 1, end));
    if (next + 2 > bytes.length) return undefined;
    args.push(bytes.toString('utf8', end + 2, next));
    at = next + 2;
  }
  return { args, size: at };
}
