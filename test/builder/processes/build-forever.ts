import { join } from 'node:path';
import { buildImage } from '../../../src/builder/build.ts';
import { silentObserver } from '../../../src/builder/observer.ts';
import { openLayoutStore } from '../../../src/content/layout-store.ts';
import { openSnapshotter } from '../../../src/layers/open-snapshotter.ts';
import { runStep } from '../../../src/runtime/run-step.ts';

// Run by build.test.ts, which kills it while a RUN goes on: argv is the folder of the sandbox and the context.
const [folder, context] = process.argv.slice(2) as [string, string];
const run = join(folder, 'run');
await buildImage(
  { context },
  {
    store: await openLayoutStore(join(folder, 'root/images')),
    cacheRoot: join(folder, 'root/build-cache'),
    run,
    openSnapshotter: () => openSnapshotter({ root: join(folder, 'root/snapshots'), run }),
    loadRunStep: async () => runStep,
    observer: {
      ...silentObserver,
      vertexOutput: (_vertex, _stream, chunk) => void process.stdout.write(chunk),
    },
  },
);
