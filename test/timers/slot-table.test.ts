// The table of slots against a model of its other side: whatever is set, cleared, set anew and fired in whatever order,
// the loop thread ends up knowing exactly what is wanted, and nothing that fired late is taken for something newer.

import { expect, test } from 'vitest';
import { type Scheduled, SlotTable } from '../../lib/timers/slot-table.js';

interface Order {
  serial: number;
  due: number;
  period: number;
}

/** What native/timers/timer_queue.cc makes of the orders. */
class LoopThread {
  readonly slots = new Map<number, Order>();
  calls = 0;
  orders = 0;

  readonly submit = (orders: Float64Array, count: number): boolean => {
    this.calls++;
    this.orders += count;
    for (let i = 0; i < count; i++) {
      const [slot, serial, due, period] = orders.subarray(i * 4) as unknown as number[];
      if ((due as number) < 0) this.slots.delete(slot as number);
      else {
        this.slots.set(slot as number, {
          serial: (serial as number) | 0,
          due: due as number,
          period: period as number,
        });
      }
    }
    return true;
  };
}

class Entry implements Scheduled {
  slot = -1;
  serial = 0;
  times = 0;
  constructor(
    public due: number,
    readonly period = 0,
  ) {}
  fired(): void {
    this.times++;
  }
  failed(): void {}
}

// Small and seeded: xorshift32.
function randomOf(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const seed = Number(process.env.SIDELOOP_SEED ?? Date.now() % 1e9);

test(`the loop thread knows what is wanted (SIDELOOP_SEED=${seed})`, () => {
  const random = randomOf(seed);
  const table = new SlotTable();
  const thread = new LoopThread();
  const wanted = new Set<Entry>();
  // Reports under way: what the loop thread fired, and this side has not read.
  const reports: [number, number][] = [];
  for (let step = 0; step < 30_000; step++) {
    const some = [...wanted][random(wanted.size || 1)];
    // Few enough to meet each other's slots.
    switch (wanted.size > 60 ? 2 : random(6)) {
      case 0:
      case 1: {
        const entry = new Entry(step, random(8) === 0 ? 5 : 0);
        table.set(entry);
        wanted.add(entry);
        break;
      }
      case 2:
        if (some !== undefined) {
          table.clear(some);
          wanted.delete(some);
        }
        break;
      case 3:
        if (some !== undefined) {
          some.due = step;
          table.set(some);
        }
        break;
      case 4: {
        const slots = [...thread.slots.keys()];
        const slot = slots[random(slots.length || 1)];
        if (slot === undefined) break;
        const order = thread.slots.get(slot) as Order;
        reports.push([slot, order.serial]);
        if (order.period === 0) thread.slots.delete(slot);
        break;
      }
      case 5:
        if (random(2) === 0) {
          table.flush(thread.submit);
          for (const entry of wanted) {
            // Unless it fired, and the report is under way.
            const fired = reports.some(
              ([slot, serial]) => slot === entry.slot && serial === entry.serial,
            );
            if (fired && entry.period === 0) continue;
            expect(thread.slots.get(entry.slot)).toEqual({
              serial: entry.serial,
              due: entry.due,
              period: entry.period,
            });
          }
          expect(thread.slots.size).toBeLessThanOrEqual(wanted.size);
        } else {
          for (const [slot, serial] of reports.splice(0)) {
            const entry = table.take(slot, serial) as Entry | undefined;
            if (entry === undefined) continue;
            expect(wanted.has(entry) && entry.serial === serial).toBe(true);
            if (entry.period === 0) wanted.delete(entry);
          }
        }
    }
    expect(table.size).toBe(wanted.size);
  }
});

test('what is set and cleared before a flush crosses nothing', () => {
  const table = new SlotTable();
  const thread = new LoopThread();
  for (let i = 0; i < 10_000; i++) {
    const entry = new Entry(i);
    table.set(entry);
    table.set(entry);
    table.clear(entry);
  }
  table.flush(thread.submit);
  expect([thread.calls, thread.orders, table.isDirty]).toEqual([0, 0, false]);
});

test('a late report of an earlier use of a slot is not taken for the present one', () => {
  const table = new SlotTable();
  const thread = new LoopThread();
  const first = new Entry(1);
  table.set(first);
  table.flush(thread.submit);
  const { slot, serial } = first;
  table.clear(first);
  const second = new Entry(2);
  table.set(second);
  expect(second.slot).toBe(slot);
  expect(table.take(slot, serial)).toBeUndefined();
  table.flush(thread.submit);
  expect(thread.slots.get(slot)).toMatchObject({ due: 2 });
  expect(table.take(slot, second.serial)).toBe(second);
});

test('what is left at the end comes in the order of its setting', () => {
  const table = new SlotTable();
  const entries = [3, 1, 2].map((due) => new Entry(due));
  for (const entry of entries) table.set(entry);
  table.set(entries[0] as Entry);
  expect(table.takeAll()).toEqual([entries[1], entries[2], entries[0]]);
  expect([table.size, table.isDirty]).toEqual([0, false]);
});

test.each(['fired', 'cleared'])("a burst's memory is given back when all have %s", (how) => {
  const table = new SlotTable();
  const thread = new LoopThread();
  // One that is set whenever there is a flush.
  const next = () => {
    const entry = new Entry(1);
    table.set(entry);
    table.flush(thread.submit);
    return entry;
  };
  const burst = Array.from({ length: 50_000 }, (_, i) => new Entry(i));
  for (const entry of burst) table.set(entry);
  table.flush(thread.submit);
  expect(table.bytes).toBeGreaterThan(50_000 * 8);
  for (const entry of burst) {
    if (how === 'fired') table.take(entry.slot, entry.serial);
    else table.clear(entry);
  }
  if (how === 'cleared') table.flush(thread.submit);
  const last = next();
  expect(table.bytes).toBeLessThan(20_000);
  expect(table.take(last.slot, last.serial)).toBe(last);
});
