import { BaseCommand } from '../../cli/base-command.ts';
import { formatFlag, inspectLines } from '../../cli/list-output.ts';
import { openImages } from '../../cli/open-images.ts';

export default class SystemInfo extends BaseCommand {
  static override readonly summary = 'Tell about this hawser: roots, counts, runtime, snapshotter';
  static override readonly aliases = ['info'];
  static override readonly flags = { format: formatFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemInfo);
    const [{ examineMachine, machineFacts }, { listContainers }, { hawserVersion }] = await Promise.all([
      import('../../cli/examine-machine.ts'),
      import('../../runtime/container-state.ts'),
      import('../../util/version.ts'),
    ]);
    const parts = await examineMachine(this.roots, process.env);
    const choiceOf = (name: string) => parts.find(({ part }) => part === name)?.choice ?? 'none';
    const containers = listContainers(this.roots).filter(({ record }) => record.kind === 'container');
    const images = await (await openImages(this.roots)).references.list();
    const facts = machineFacts();
    const info = {
      ServerVersion: hawserVersion,
      HawserRoot: this.roots.root,
      HawserRun: this.roots.run,
      Containers: containers.length,
      ContainersRunning: containers.filter(({ state }) => state.status === 'running').length,
      Images: new Set(images.map(({ descriptor }) => descriptor.digest)).size,
      Driver: choiceOf('snapshotter'),
      DefaultRuntime: choiceOf('runtime'),
      Isolation: choiceOf('isolation of RUN'),
      Network: choiceOf('network'),
      CgroupVersion: choiceOf('cgroups'),
      KernelVersion: facts.kernel,
      Architecture: facts.architecture,
      NodeVersion: facts.node,
    };
    if (flags.format !== undefined && flags.format !== 'table') {
      const [line = ''] =
        flags.format === 'json' ? [JSON.stringify(info)] : inspectLines([info], flags.format);
      this.print(line);
      return;
    }
    for (const [name, value] of Object.entries(info)) {
      this.print(`${name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')}: ${value}`);
    }
  }
}
