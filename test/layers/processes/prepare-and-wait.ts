import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../../src/image/digest.ts';
import { type OpenSnapshotterOptions, openSnapshotter } from '../../../src/layers/open-snapshotter.ts';

/** Mounts an active snapshot, says where, and waits to be killed. */
const options = JSON.parse(process.argv[2] as string) as OpenSnapshotterOptions & { parent: Digest };
const snapshotter = await openSnapshotter(options);
const active = await snapshotter.prepare('theirs', options.parent);
const tree = await active.mount();
writeFileSync(join(tree, 'half'), 'half');
console.log(tree);
setInterval(() => undefined, 1000);
