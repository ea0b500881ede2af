// Many WebSockets in a process of their own. Counts messages by a mark in their bytes, so that what is measured is the
// server and not a parser; `frozen` of them do not read.
import { WebSocket } from 'ws';

const [url, count, frozen, first] = process.argv.slice(2);
const mark = Buffer.from('"text":');
let expected = Number.POSITIVE_INFINITY;
let total = 0;
const sockets = [];
for (let index = 0; index < Number(count); index += 50) {
  await Promise.all(Array.from({ length: Math.min(50, Number(count) - index) }, (_, offset) => open(index + offset)));
}
process.send({ type: 'open' });
process.on('message', (message) => {
  if (message.type === 'expect') {
    expected = message.messages * (Number(count) - Number(frozen));
    total = 0;
  }
  if (message.type === 'freeze') for (const socket of sockets.slice(0, Number(frozen))) socket.pause();
  if (message.type === 'end') {
    for (const socket of sockets) socket.terminate();
    process.disconnect();
  }
});

function open(index) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ['runbeat.v1'], { perMessageDeflate: false, skipUTF8Validation: true });
    const isCounted = index >= Number(frozen);
    sockets.push(socket);
    socket.on('error', reject);
    socket.on('message', (data) => {
      if (!isCounted) return;
      for (let at = data.indexOf(mark); at >= 0; at = data.indexOf(mark, at + mark.length)) total += 1;
      if (total >= expected) {
        expected = Number.POSITIVE_INFINITY;
        process.send({ type: 'received' });
      }
    });
    socket.on('open', () => {
      if (first) socket.send(first);
      resolve();
    });
  });
}
