// What Workers of the bridges' tests do, by name: `workerData.name`.

import { parentPort, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import { Caller, expose, forwardOutput, Reporter, receiveReports } from 'sideloop/bridge';

const { name, handle, count } = workerData;
const say = (message) => parentPort.postMessage(message);
const heard = () => new Promise((resolve) => parentPort.once('message', resolve));

const outcomeOf = (promise) =>
  promise.then(
    (value) => ({ value }),
    ({ name, message, code, cause }) => ({ name, message, code, cause }),
  );

const cases = {
  reports() {
    const reporter = new Reporter(handle, { source: workerData.source });
    for (let i = 0; i < count; i++) reporter.report('count', i);
    if (workerData.over === undefined) return;
    Atomics.store(workerData.over, 0, 1);
    Atomics.notify(workerData.over, 0);
  },
  reportsAndExits() {
    cases.reports();
    process.exit(0);
  },
  async reportsOverManyTurns() {
    const reporter = new Reporter(handle);
    for (let i = 0; i < count; i++) {
      reporter.report('count', { i, nested: { i } });
      if (i % 7 === 0) await new Promise(setImmediate);
    }
    reporter.report('last');
    process.exit(0);
  },
  async fills() {
    const reporter = new Reporter(handle, { capacity: 10 });
    const accepted = Array.from({ length: 15 }, (_, i) => reporter.report('n', i));
    say([accepted.filter(Boolean).length, reporter.dropped, reporter.pending]);
    await reporter.ready();
    say(reporter.report('n', 'after'));
    await reporter.drained();
    say(reporter.pending);
  },
  async outlives() {
    const reporter = new Reporter(handle);
    reporter.report('first');
    await reporter.drained();
    say('drained');
    await heard();
    reporter.report('lost, or refused');
    const refused = await outcomeOf(reporter.drained());
    const { dropped } = reporter;
    say([reporter.closed, reporter.report('late'), reporter.dropped - dropped, refused.code]);
  },
  writes() {
    const output = forwardOutput(handle, { source: 'writer' });
    console.log('one');
    output.log('info', 'two', { n: 2 });
    console.error('three');
    process.stdout.write('four');
    process.stdout.write(Buffer.from(' \u00e4\n'));
    process.stderr.write('66697665', 'hex');
    process.stdout.write(Buffer.from([0xe2, 0x82]));
    process.stderr.write(Buffer.from([0xe2]));
    process.stdout.write(Buffer.from([0xac]));
    process.stderr.write('!');
    console.log({ six: 6 });
    process.on('exit', () => console.log('at the end'));
    process.exit(0);
  },
  async writesMuch() {
    const output = forwardOutput(handle, { capacity: 4 });
    let held = 0;
    for (let i = 0; i < count; i++) {
      if (process.stdout.write(`${i}\n`)) continue;
      held++;
      await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    await output.drained();
    output.close();
    say(held > 0);
  },
  async calls() {
    const caller = new Caller(handle, { source: 'the caller' });
    say([
      await outcomeOf(caller.call('add', 1, 2)),
      await outcomeOf(caller.call('later', { deep: { value: 7n } })),
      await outcomeOf(caller.call('fails')),
      await outcomeOf(caller.call('failsWithText')),
      await outcomeOf(caller.call('whoCalls')),
      await outcomeOf(caller.call('toString')),
      await outcomeOf(caller.call('givesAFunction')),
      await outcomeOf(caller.call('add', () => {})),
      caller.pending,
    ]);
  },
  async givesUp() {
    const caller = new Caller(handle, { deadlineMs: null, capacity: 2 });
    const abort = new AbortController();
    const aborted = outcomeOf(caller.with({ signal: abort.signal }).call('never', 'aborted'));
    const late = outcomeOf(caller.with({ deadlineMs: 20 }).call('never', 'late'));
    const full = await outcomeOf(caller.call('never'));
    await late;
    abort.abort('enough');
    const early = await outcomeOf(caller.with({ signal: abort.signal }).call('never'));
    say([(await aborted).code, (await aborted).cause, (await late).code, full.code, early.code]);
  },
  async owns() {
    const loop = new EventLoop();
    receiveReports(loop, (type, data, from) => say([type, data, from.name]));
    expose(loop, { double: (n) => n * 2 });
    say(loop.handle);
    await heard();
    await loop.stop();
  },
  async ownsAndIsBusy() {
    say(new EventLoop().handle);
    for (;;);
  },
  sends() {
    new Reporter(handle).report('lost');
    say('sent');
  },
  async waitsForAnAnswer() {
    const caller = new Caller(handle, { deadlineMs: null });
    const outcome = outcomeOf(caller.call('never', 'waits'));
    say('called');
    say(await outcome);
    say(await outcomeOf(caller.call('never')));
  },
};

await cases[name]();
