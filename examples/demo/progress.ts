import { type Stage, stageOf, stages } from './hash-dag.js';

/** Shows how far a run is: one line that is written over on a terminal, else a line per 5 %. */
export class Progress {
  readonly #label: string;
  readonly #total: number;
  readonly #inFlight: () => number;
  readonly #done: Record<Stage, number> = { read: 0, lookup: 0, hash: 0, store: 0 };
  #settled = 0;
  #shown = 0;

  constructor(label: string, total: number, inFlight: () => number) {
    this.#label = label;
    this.#total = total;
    this.#inFlight = inFlight;
  }

  get settled(): number {
    return this.#settled;
  }

  done(stage: Stage): number {
    return this.#done[stage];
  }

  settle(nodeName: string): void {
    this.#settled += 1;
    this.#done[stageOf(nodeName)] += 1;
    const share = Math.floor((this.#settled / this.#total) * 20);
    if (share === this.#shown) return;
    this.#shown = share;
    this.#show();
  }

  /** A line of its own, without losing the one that is being written over. */
  note(text: string): void {
    process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
  }

  #show(): void {
    const percent = `${this.#shown * 5}`.padStart(3);
    const counts = stages.map((stage) => `${stage} ${this.#done[stage]}`).join('  ');
    const text = `${this.#label} ${percent} %  ${counts}  Redis calls in flight ${this.#inFlight()}`;
    const end = process.stdout.isTTY && this.#settled < this.#total ? '' : '\n';
    process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${text}${end}` : `${text}${end}`);
  }
}
