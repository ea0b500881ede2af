// What P6 compares with: package `ws`, one Buffer per message to every socket, and nothing else.
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => socket.on('error', () => undefined));
const queueLimitBytes = 1_048_576;
process.on('message', async (message) => {
  if (message.type === 'print') {
    const frame = Buffer.from(JSON.stringify({ type: 'log', seq: 1, text: message.text }));
    for (let index = 0; index < message.messages; index += 1) {
      for (const socket of server.clients) socket.send(frame, { binary: false });
      // Let the sockets write, and do not queue without end, as any server would have to.
      do await new Promise((resolve) => setImmediate(resolve));
      while ([...server.clients].some((socket) => socket.bufferedAmount > queueLimitBytes));
    }
  }
  if (message.type === 'usage')
    process.send({ type: 'usage', cpu: process.cpuUsage(), residentBytes: process.memoryUsage.rss() });
  if (message.type === 'end') {
    for (const socket of server.clients) socket.terminate();
    server.close();
    process.disconnect();
  }
});
server.on('listening', () => process.send({ type: 'listening', url: `http://127.0.0.1:${server.address().port}` }));
