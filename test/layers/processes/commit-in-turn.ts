import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../src/image/digest.ts';
import { type OpenSnapshotterOptions, openSnapshotter } from '../../../src/layers/open-snapshotter.ts';

/** Builds the same stack of snapshots as others do at the same time, each snapshot with what it should hold. */
const options = JSON.parse(process.argv[2] as string) as OpenSnapshotterOptions & { layers: number };
const snapshotter = await openSnapshotter(options);
let parent: ReturnType<typeof digestOf> | undefined;
for (let layer = 0; layer < options.layers; layer++) {
  const active = await snapshotter.prepare(`p${process.pid}-${layer}`, parent);
  writeFileSync(join(await active.mount(), `f${layer}`), 'same');
  parent = digestOf(`raced ${layer}`);
  await snapshotter.commit(active, parent);
  if (layer % 5 === 0) await openSnapshotter(options); // sweeps beside the others
}
