import { openLayoutStore } from '../../../src/content/layout-store.ts';

// Run by layout-store.test.ts, which kills it in the middle: argv is the root of the store.
const store = await openLayoutStore(process.argv[2] as string);
const lease = await store.leases.acquire('killed');
const { digest } = await store.ingest([Buffer.from('finished before the kill')]);
await lease.add(digest);

async function* endless() {
  for (let count = 0; ; count++) {
    yield Buffer.alloc(1_000_000, count);
    if (count === 3) process.stdout.write('ingesting\n');
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}
await store.ingest(endless());
