import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { disposeEngine, lackingForContainers } from '../runtime/support/engine.ts';
import { type OpenedCluster, openCluster } from './support/open-cluster.ts';
import { PodClient } from './support/pod-client.ts';

/** Ends at once when told to. */
const idle = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done'];

describe('pods over real containers', function () {
  this.timeout(60_000);
  let folder: string;
  let opened: OpenedCluster;
  let pods: PodClient;

  before(async function () {
    const missing = lackingForContainers();
    if (missing !== undefined) {
      console.log(`      skipped: ${missing} is missing`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'hawser-pods-'));
    opened = await openCluster(folder, 'memory');
    pods = new PodClient(opened.cluster.url);
  });
  after(async () => {
    await opened?.cluster.close();
    if (opened !== undefined) await disposeEngine(opened.engine, folder);
  });

  it('run and go', async () => {
    await pods.create('first', { containers: [{ name: 'app', image: 'busybox:1', command: idle }] });
    const { status } = await pods.running('first');
    expect(status?.podIP).to.match(/^10\./);
    await pods.delete('first');
  });
});
