import { createMemoryStore } from '../../src/content/memory-store.ts';
import { describeConformance } from './conformance.ts';

describeConformance('in memory', async () => ({ store: createMemoryStore(), close: async () => undefined }));
