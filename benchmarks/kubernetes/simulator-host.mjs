// The simulated cluster of the Kubernetes benchmark, in a process of its own so that its memory is not counted.
import { createSimulator } from '../../packages/adapter-k8s/node_modules/.chaos/simulator.js';

const simulator = await createSimulator();
process.on('message', () => {
  process.send({
    watches: simulator.watches.count,
    connections: simulator.network.connectionCount,
    calls: simulator.requests.filter(({ url }) => !/watch=1|\/log\?/.test(url)).length,
  });
});
const close = async () => {
  await simulator.close();
  process.exit(0);
};
process.on('SIGTERM', close);
process.on('disconnect', close);
process.send({ kubeconfig: simulator.kubeconfigPath });
