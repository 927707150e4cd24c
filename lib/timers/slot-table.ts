// Which deadlines are wanted, by slot, and which of them the loop thread does not know of yet.
//
// A slot that is set and cleared before the next flush crosses nothing: what is handed over is the slot's last state, not
// its history. Slots are used again; a serial number tells the uses apart, and orders equal deadlines.

/** What a slot holds: a deadline, or a tick. Times are in ms of the loop's clock. */
export interface Scheduled {
  /** Negative: it holds none. */
  slot: number;
  serial: number;
  due: number;
  /** 0: once. Else the ms from one tick to the next. */
  readonly period: number;
  /** It came: called on this thread, where no user code may run. */
  fired(): void;
  /** The loop has ended, and it will not come. */
  failed(error: Error): void;
}

const ELEMENTS_PER_ORDER = 4;
// In place of a due time: clear the slot.
const CLEAR = -1;

// Orders handed over in one call. A turn that sets more of them makes several calls, and still one job.
const ORDERS_PER_CALL = 4096;
// What an empty table holds on to, at most.
const KEPT_SLOTS = 1024;

const DIRTY = 1;
const KNOWN = 2; // to the loop thread

/** Takes `count` orders of four elements: slot, serial, due, period. `more` of them may follow. */
type Submit = (orders: Float64Array, count: number, more: boolean) => boolean;

export class SlotTable {
  /** Slots in use. */
  size = 0;
  #slots: (Scheduled | undefined)[] = [];
  #free: number[] = [];
  #flags = new Uint8Array(64);
  #dirty: number[] = [];
  #orders = new Float64Array(16 * ELEMENTS_PER_ORDER);
  #serial = 0;

  /** Whether a flush would find something to do. */
  get isDirty(): boolean {
    return this.#dirty.length > 0;
  }

  /** Gives the entry a slot, where it has none, and a place behind all others with the same due time. */
  set(entry: Scheduled): void {
    if (entry.slot < 0) {
      entry.slot = this.#free.pop() ?? this.#slots.length;
      this.#slots[entry.slot] = entry;
      this.size++;
    }
    this.#serial = (this.#serial + 1) | 0;
    entry.serial = this.#serial;
    this.#mark(entry.slot);
  }

  /** Takes the entry's slot away. It must have one. */
  clear(entry: Scheduled): void {
    const { slot } = entry;
    this.#release(entry);
    this.#mark(slot);
  }

  /** The entry that fired, or nothing where it was cleared or set anew meanwhile. One that comes once loses its slot. */
  take(slot: number, serial: number): Scheduled | undefined {
    const entry = this.#slots[slot];
    if (entry === undefined || entry.serial !== serial) return undefined;
    if (entry.period === 0) {
      this.#flags[slot] = 0;
      this.#release(entry);
      if (this.#isOversized && !this.isDirty) this.#giveBack();
    }
    return entry;
  }

  /** Hands over what has changed. False where it was refused; then nothing is known of any of it. */
  flush(submit: Submit): boolean {
    const dirty = this.#dirty;
    let count = 0;
    for (const slot of dirty) {
      const flags = this.#flags[slot] as number;
      const entry = this.#slots[slot];
      this.#flags[slot] = entry === undefined ? 0 : KNOWN;
      if (entry === undefined && (flags & KNOWN) === 0) continue;
      if (count === ORDERS_PER_CALL) {
        if (!submit(this.#orders, count, true)) return false;
        count = 0;
      }
      this.#write(count++, slot, entry);
    }
    if (dirty.length > KEPT_SLOTS) this.#dirty = [];
    else dirty.length = 0;
    if (count > 0 && !submit(this.#orders, count, false)) return false;
    if (this.#isOversized) this.#giveBack();
    return true;
  }

  /** Memory that it takes by itself, for timers and for what has been, in bytes. */
  get bytes(): number {
    return 8 * (this.#slots.length + this.#free.length + this.#dirty.length) + this.#flags.length;
  }

  // A burst has gone.
  get #isOversized(): boolean {
    return this.size === 0 && this.#slots.length > KEPT_SLOTS;
  }

  /** Empties the table. */
  takeAll(): Scheduled[] {
    const all: Scheduled[] = [];
    for (const entry of this.#slots) {
      if (entry === undefined) continue;
      entry.slot = -1;
      all.push(entry);
    }
    // As they were set: serial numbers wrap around.
    all.sort((a, b) => (a.serial - b.serial) | 0);
    this.#dirty = [];
    this.#giveBack();
    return all;
  }

  #release(entry: Scheduled): void {
    this.#slots[entry.slot] = undefined;
    this.#free.push(entry.slot);
    entry.slot = -1;
    this.size--;
  }

  #mark(slot: number): void {
    if (slot >= this.#flags.length) {
      const larger = new Uint8Array(this.#flags.length * 2);
      larger.set(this.#flags);
      this.#flags = larger;
    }
    const flags = this.#flags[slot] as number;
    if ((flags & DIRTY) !== 0) return;
    this.#flags[slot] = flags | DIRTY;
    this.#dirty.push(slot);
  }

  #write(index: number, slot: number, entry: Scheduled | undefined): void {
    let at = index * ELEMENTS_PER_ORDER;
    if (at === this.#orders.length) {
      const larger = new Float64Array(at * 2);
      larger.set(this.#orders);
      this.#orders = larger;
    }
    const orders = this.#orders;
    orders[at++] = slot;
    orders[at++] = entry === undefined ? 0 : entry.serial >>> 0;
    orders[at++] = entry === undefined ? CLEAR : entry.due;
    orders[at] = entry === undefined ? 0 : entry.period;
  }

  // A burst's memory is not kept for ever. Serial numbers go on, so that nothing of before is taken for one of after.
  #giveBack(): void {
    this.size = 0;
    this.#slots = [];
    this.#free = [];
    this.#flags = new Uint8Array(64);
  }
}
