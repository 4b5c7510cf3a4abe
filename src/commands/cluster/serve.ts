import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class ClusterServe extends BaseCommand {
  static override readonly summary = 'Serve the pod API and run its pods, in the foreground';
  static override readonly flags = {
    port: Flags.integer({ default: 8080, min: 1, max: 65_535, description: 'of the API on 127.0.0.1' }),
    'node-name': Flags.string({ description: 'of this machine; default its host name' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ClusterServe);
    const [{ serveCluster }, { enginePodRuntime }, { openLmdbStore }, { openContainers }, { openImages }] =
      await Promise.all([
        import('../../orchestrator/serve-cluster.ts'),
        import('../../orchestrator/node-agent/engine-pod-runtime.ts'),
        import('../../orchestrator/store/lmdb-store.ts'),
        import('../../cli/open-containers.ts'),
        import('../../cli/open-images.ts'),
      ]);
    const engine = await openContainers(this.roots);
    const images = await openImages(this.roots);
    const { root } = this.roots;
    const cluster = await serveCluster({
      root,
      store: await openLmdbStore(join(root, 'cluster', 'store')),
      runtime: enginePodRuntime(engine, images),
      port: flags.port,
      nodeName: flags['node-name'],
      log: line => this.note(`${new Date().toISOString()} ${line}`),
    });
    this.note(`cluster: the pod API is on ${cluster.url}`);
    await new Promise(resolve => this.signal.addEventListener('abort', resolve, { once: true }));
    await cluster.close();
  }
}
