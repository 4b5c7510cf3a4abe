import { openLayoutStore } from '../../../src/content/layout-store.ts';

// Run twice at once by layout-store.test.ts: argv is the root of the store, a prefix and a count.
const [root, prefix, count] = process.argv.slice(2) as [string, string, string];
const store = await openLayoutStore(root);
const { digest, size } = await store.ingest([Buffer.from('shared')]);
for (let index = 0; index < Number(count); index++) {
  await store.references.set(`docker.io/library/${prefix}:${index}`, {
    mediaType: 'application/octet-stream',
    digest,
    size,
  });
  if (index % 3 === 0) await store.references.remove(`docker.io/library/${prefix}:${index}`);
}
