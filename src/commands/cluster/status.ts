import { BaseCommand } from '../../cli/base-command.ts';

export default class ClusterStatus extends BaseCommand {
  static override readonly summary = 'Tell whether the pod API runs, and where';

  async run(): Promise<void> {
    await this.parse(ClusterStatus);
    const { clusterLogPath, findCluster, isReady } = await import('../../cli/cluster-process.ts');
    const cluster = findCluster(this.roots);
    if (cluster === undefined) {
      this.print('cluster: not running');
      process.exitCode = 1;
      return;
    }
    const ready = await isReady(cluster.url);
    this.print(`cluster: ${ready ? 'running' : 'not ready'}, ${cluster.url}, process ${cluster.process.pid}`);
    this.print(`log: ${clusterLogPath(this.roots)}`);
    if (!ready) process.exitCode = 1;
  }
}
