import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class ClusterUp extends BaseCommand {
  static override readonly summary = 'Start the pod API and its node agent in the background';
  static override readonly flags = {
    port: Flags.integer({ default: 8080, min: 1, max: 65_535, description: 'of the API on 127.0.0.1' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ClusterUp);
    const { findCluster, isReady, startCluster } = await import('../../cli/cluster-process.ts');
    const running = findCluster(this.roots);
    if (running !== undefined && (await isReady(running.url))) {
      this.print(`cluster: already running, ${running.url}`);
      return;
    }
    const url = `http://127.0.0.1:${flags.port}`;
    const cluster = await startCluster(this.roots, {
      url,
      args: ['--port', String(flags.port)],
      signal: this.signal,
    });
    this.print(`cluster: running, ${cluster.url}`);
    if (flags.port !== 8080)
      this.note(`  kubectl --server ${cluster.url} get pods; export HAWSER_API=${cluster.url}`);
  }
}
