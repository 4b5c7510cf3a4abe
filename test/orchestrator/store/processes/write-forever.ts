// Writes one object after the other, and says each number once it was answered.
import { openLmdbStore } from '../../../../src/orchestrator/store/lmdb-store.ts';
import { object } from '../conformance.ts';

const store = await openLmdbStore(process.argv[2] ?? '');
for (let index = 0; ; index++) {
  await store.write({
    kind: 'create',
    key: `/registry/pods/default/${index}`,
    value: object(`pod-${index}`),
  });
  process.stdout.write(`${index}\n`);
}
