// One server in its own process: it prints its port, serves one way of traffic, and ends when its
// standard input does. bench/native/net_load.cc is at the other end and reads this process's CPU
// time from the kernel, so that nothing is measured in here.
import { parseArgs } from 'node:util';

const kBlock = 64 * 1024;
// The pattern of what is uploaded: a prime, so that no chunk begins where its neighbour does.
const kPeriod = 251;

const { values: options } = parseArgs({
  options: { server: { type: 'string' }, way: { type: 'string' } },
});
const { createServer, version } = await import(`./servers/${options.server}.mjs`);

function echo(socket) {
  socket.on('data', (data) => socket.write(data));
}

// Checks the ends of each chunk, and answers the end of the upload with how much it was.
function takeUpload(socket) {
  let bytes = 0;
  socket.on('data', (data) => {
    const last = data.length - 1;
    if (data[0] !== bytes % kPeriod || data[last] !== (bytes + last) % kPeriod) {
      throw new Error(`The upload is not what was sent, near byte ${bytes}.`);
    }
    bytes += data.length;
  });
  socket.on('end', () => socket.end(String(bytes)));
}

function giveDownload(socket) {
  const block = Uint8Array.from({ length: kBlock }, (_, index) => index % kPeriod);
  const fill = () => {
    while (!socket.destroyed && socket.write(block));
  };
  socket.on('drain', fill).resume();
  fill();
}

const serve = { echo, upload: takeUpload, download: giveDownload }[options.way];
const server = createServer({ allowHalfOpen: true }, (socket) => {
  // The load ends by closing its connections, with answers still on their way.
  socket.on('error', (error) => {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error;
  });
  serve(socket);
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, version }));
});
process.stdin.on('end', () => process.exit(0)).resume();
