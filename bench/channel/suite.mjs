// Messages between a Worker and the main thread. It exists because Node has MessagePort for that, and
// a channel of our own is only worth having where it costs less.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';

const contestantScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const kStartAndStopMs = 20_000;
// Of the measured time that is asked for, since tens of thousands of messages are enough.
const kShare = 0.5;

const cpu = [
  { key: 'senderMicros', title: 'sender us/message', better: 'lower' },
  { key: 'receiverMicros', title: 'receiver us/message', better: 'lower' },
  { key: 'totalMicros', title: 'total us/message', better: 'lower' },
];
const rate = { key: 'messagesPerSecond', title: 'messages/s', better: 'higher' };
const oneByOne = [
  rate,
  ...cpu,
  { key: 'p50Micros', title: 'round trip p50 us', better: 'lower' },
  { key: 'p99Micros', title: 'p99 us', better: 'lower' },
];
const bursts = [
  rate,
  ...cpu,
  { key: 'p50Micros', title: 'to the last p50 us', better: 'lower' },
  { key: 'p99Micros', title: 'p99 us', better: 'lower' },
];

const cases = [
  {
    id: 'one-small',
    title: 'one small object, and the next when it has been answered',
    burst: 1,
    content: 'small',
    metrics: oneByOne,
  },
  {
    id: 'burst-10-small',
    title: 'bursts of 10 small objects',
    burst: 10,
    content: 'small',
    metrics: bursts,
  },
  {
    id: 'burst-1000-small',
    title: 'bursts of 1000 small objects',
    burst: 1000,
    content: 'small',
    metrics: bursts,
  },
  {
    id: 'burst-1000-1k',
    title: 'bursts of 1000 strings of 1 KiB',
    burst: 1000,
    content: 'text',
    metrics: bursts,
  },
];

function measure({ burst, content }, contestant, { seconds }) {
  const args = [contestantScript, '--transport', contestant, '--burst', burst];
  args.push('--content', content, '--seconds', seconds * kShare);
  return measureInChild(process.execPath, args.map(String), kStartAndStopMs + seconds * 3000);
}

export const channel = {
  name: 'channel',
  about: 'messages from a Worker to the main thread',
  product: ['index.js'],
  contestants: ['sideloop', 'message-port'],
  cases: () => cases,
  measure,
};
