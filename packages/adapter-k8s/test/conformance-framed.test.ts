import { describe } from 'vitest';
import { kubernetesConformance } from './support/conformance.js';

describe('conformance with framed logs', () => {
  kubernetesConformance({ nodePath: 'node' });
});
