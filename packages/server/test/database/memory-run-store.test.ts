import { type CompanyId, createId } from '../../src/supervisor/model/index.js';
import { createMemoryRunStore } from '../../src/supervisor/testing/memory-run-store.js';
import { runStoreConformance } from './run-store-conformance.js';

// The supervisor's tests run on this store: what they prove counts only while it behaves like the database.
runStoreConformance('memory', () => {
  const store = createMemoryRunStore();
  return Promise.resolve({
    store,
    createCompany: () => Promise.resolve(createId<CompanyId>()),
    insertAgent: (agent) => {
      store.tables.agents.set(agent.id, agent);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});
