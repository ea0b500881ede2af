// The service as a program: `npm start -w examples/adapter-http`.
import { sleep } from '@runbeat/adapter-sdk';
import { startJobService } from './job-service.js';

const service = await startJobService({
  port: Number(process.env['PORT'] ?? 4410),
  tasks: {
    async greet({ input, print }) {
      print('stdout', `Hello, ${input ?? 'world'}\n`);
      return 0;
    },
    async count({ print, signal }) {
      for (let number = 1; number <= 60; number += 1) {
        print('stdout', `${number}\n`);
        if ((await sleep(1_000, signal)) === 'aborted') return 130;
      }
      return 0;
    },
  },
});
console.log(`Job service on ${service.url} with the tasks greet and count`);
