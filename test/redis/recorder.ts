import { Commands } from '../../lib/redis/commands/index.js';
import { type Arg, AS_BUFFERS, nameOf, type Opcode } from '../../lib/redis/sender.js';

/** What a typed method handed to its sender. */
export interface Sent {
  /** The command and its arguments, each as the text that it has on the wire. */
  text: string;
  args: readonly Arg[];
  asBuffers: boolean;
  via: 'send0' | 'send1' | 'send2' | 'send';
}

/**
 * A client that sends nothing and remembers what it was to send. It refuses what is no argument, as
 * a sender must.
 */
export class Recorder extends Commands<'client'> {
  readonly sent: Sent[] = [];

  protected send0<T>(opcode: Opcode): Promise<T> {
    return this.#record('send0', opcode, []);
  }

  protected send1<T>(opcode: Opcode, a: Arg): Promise<T> {
    return this.#record('send1', opcode, [a]);
  }

  protected send2<T>(opcode: Opcode, a: Arg, b: Arg): Promise<T> {
    return this.#record('send2', opcode, [a, b]);
  }

  protected send<T>(opcode: Opcode, args: readonly Arg[]): Promise<T> {
    return this.#record('send', opcode, args);
  }

  #record<T>(via: Sent['via'], opcode: Opcode, args: readonly Arg[]): Promise<T> {
    for (const arg of args) {
      if (typeof arg !== 'string' && typeof arg !== 'number' && !(arg instanceof Uint8Array)) {
        throw new TypeError(`refused: ${String(arg)}`);
      }
    }
    const asBuffers = (opcode & AS_BUFFERS) !== 0;
    const name = nameOf(opcode);
    this.sent.push({ text: [name, ...args].join(' '), args, asBuffers, via });
    // Nobody looks at the reply of a recorder.
    return Promise.resolve(undefined as T);
  }
}

/** What a call of a typed method must send. */
export type Row = readonly [call: (redis: Recorder) => unknown, text: string];

/** The rows of each method, by its name. */
export type Rows = Readonly<Record<string, readonly Row[]>>;
