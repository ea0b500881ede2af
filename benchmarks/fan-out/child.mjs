import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A program of this folder in a process of its own, which says what it did by IPC. */
export function startChild(name, args) {
  const child = fork(fileURLToPath(new URL(`./${name}`, import.meta.url)), args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const next = (type) =>
    new Promise((resolve, reject) => {
      const take = (message) => {
        if (message.type !== type) return;
        child.off('message', take);
        child.off('exit', fail);
        resolve(message);
      };
      const fail = (code) => reject(new Error(`${name} ended with ${code} before it said "${type}"`));
      child.on('message', take);
      child.once('exit', fail);
    });
  return {
    next,
    /** Sends and waits for what it answers. */
    ask(message, answer) {
      const answered = next(answer);
      child.send(message);
      return answered;
    },
    send: (message) => child.send(message),
    async end() {
      child.send({ type: 'end' });
      await exited;
    },
    kill() {
      child.kill('SIGKILL');
    },
  };
}
