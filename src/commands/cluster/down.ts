import { BaseCommand } from '../../cli/base-command.ts';

export default class ClusterDown extends BaseCommand {
  static override readonly summary = 'Stop the pod API and its node agent; containers of pods run on';

  async run(): Promise<void> {
    await this.parse(ClusterDown);
    const { stopCluster } = await import('../../cli/cluster-process.ts');
    this.print((await stopCluster(this.roots)) ? 'cluster: stopped' : 'cluster: not running');
  }
}
