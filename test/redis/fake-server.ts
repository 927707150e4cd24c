// A server that says what it is told to, when it is told to: for what a real one does once in a
// thousand years, and for what it must never do.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** What the server does at a command: RESP text to send at once, or what else it is told. */
export type FakeAnswer = string | { reply?: string; afterMs?: number; drop?: boolean };

/** By upper-case name of the command. Others get no answer. */
export type FakeAnswers = Record<string, FakeAnswer>;

/** What happened at the server, on its connection number so and so, counted from 0. */
export type FakeEvent =
  | { event: 'connect' | 'close'; connection: number }
  | { event: 'command'; connection: number; args: string[] };

type Message = FakeEvent | { event: 'listening'; port: number } | { event: 'done'; id: number };

/** What a polite server answers to a handshake, and to a QUIT. */
const GREETINGS: FakeAnswers = {
  HELLO: '%1\r\n+proto\r\n:3\r\n',
  AUTH: '+OK\r\n',
  SELECT: '+OK\r\n',
  CLIENT: '+OK\r\n',
  // The first PING of a connection, which ends the greeting.
  GREETING: '+PONG\r\n',
  QUIT: { reply: '+OK\r\n', drop: true },
};

export class FakeServer implements AsyncDisposable {
  readonly port: number;
  readonly #worker: Worker;
  readonly #events: FakeEvent[] = [];
  readonly #waiters = new Set<() => void>();
  #lastId = 0;

  /** Starts it, on a free port or the given one. `answers` add to, and replace, the greetings. */
  static async start(answers: FakeAnswers = {}, port = 0): Promise<FakeServer> {
    const worker = new Worker(new URL('./fake-server-thread.mjs', import.meta.url), {
      workerData: { answers: { ...GREETINGS, ...answers }, port },
    });
    const [listening] = await once(worker, 'message');
    return new FakeServer(worker, listening.port);
  }

  private constructor(worker: Worker, port: number) {
    this.#worker = worker;
    this.port = port;
    worker.on('message', (message: Message) => {
      if (message.event === 'listening' || message.event === 'done') return;
      this.#events.push(message);
      for (const waiter of this.#waiters) waiter();
    });
  }

  /** The commands that arrived so far, without the handshake's. */
  get commands(): string[][] {
    return this.#events.flatMap((e) =>
      e.event === 'command' && !(String(e.args[0]) in GREETINGS) ? [e.args] : [],
    );
  }

  /** Resolves with the connection on which the `nth` command of this name arrives, or has arrived. */
  async received(name: string, nth = 1): Promise<number> {
    const matches = (e: FakeEvent) => e.event === 'command' && e.args[0]?.toUpperCase() === name;
    return this.#nth(matches, nth);
  }

  /** Resolves once the `nth` connection, counted from 1, is there. */
  async connected(nth = 1): Promise<number> {
    return this.#nth((e) => e.event === 'connect', nth);
  }

  /** Resolves once a connection of this number has been closed, by either side. */
  async closed(connection: number): Promise<void> {
    await this.#nth((e) => e.event === 'close' && e.connection === connection, 1);
  }

  /** From now on it answers so as well. */
  answer(answers: FakeAnswers): Promise<void> {
    return this.#ask({ action: 'answer', value: answers });
  }

  /** Sends bytes that answer nothing by themselves. */
  write(connection: number, value: string): Promise<void> {
    return this.#ask({ action: 'write', connection, value });
  }

  /** Ends a connection without a word. */
  drop(connection: number): Promise<void> {
    return this.#ask({ action: 'drop', connection });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #nth(matches: (event: FakeEvent) => boolean, nth: number): Promise<number> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.#events.filter(matches)[nth - 1];
        if (found === undefined) return;
        this.#waiters.delete(look);
        resolve(found.connection);
      };
      this.#waiters.add(look);
      look();
    });
  }

  #ask(request: object): Promise<void> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const onMessage = (message: Message) => {
        if (message.event !== 'done' || message.id !== id) return;
        this.#worker.off('message', onMessage);
        resolve();
      };
      this.#worker.on('message', onMessage);
      this.#worker.postMessage({ id, ...request });
    });
  }
}
