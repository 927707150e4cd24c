// One Worker: a closed loop over whatever connection its arrangement gives it.
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { closedLoop } from '../closed-loop.mjs';
import { keyspace } from '../keyspace.mjs';

const { arrangement, bytes, inFlight, port, shared, count } = workerData;
const { name, connect } = await import(`./arrangements/${arrangement}.mjs`);
const { keys, values } = keyspace('get', bytes);
const client = await connect(port, shared);
const loop = closedLoop({ name, client, operation: 'get', keys, values, inFlight, count });
await loop.check();

const next = async () => (await once(parentPort, 'message'))[0];
parentPort.postMessage('ready');
await next(); // 'run'
const finished = loop.run();
await next(); // 'measure'
loop.forgetLatencies();
await next(); // 'stop'
const latencies = loop.latencies();
loop.stop();
await finished;
parentPort.postMessage(latencies);
