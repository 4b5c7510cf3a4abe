import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openContainers } from '../../cli/open-containers.ts';
import { messageOf } from '../../errors/hawser-error.ts';

function unitFor(command: readonly string[], roots: { readonly root: string; readonly run: string }): string {
  const quoted = (text: string) =>
    /[\s"\\%]/.test(text) ? JSON.stringify(text).replaceAll('%', '%%') : text;
  return [
    '[Unit]',
    'Description=Containers of hawser with a restart policy',
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    // The containers live on when the unit ends.
    'KillMode=none',
    `Environment=${quoted(`HAWSER_ROOT=${roots.root}`)} ${quoted(`HAWSER_RUN=${roots.run}`)}`,
    `ExecStart=${command.map(quoted).join(' ')}`,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ].join('\n');
}

export default class SystemBoot extends BaseCommand {
  static override readonly summary = 'Start the containers whose restart policy wants them to run';
  static override readonly description =
    'There is no daemon that starts with the machine: this is what a unit of systemd runs, once. Policy `always` starts what was stopped too, `unless-stopped` does not, as Docker.';
  static override readonly examples = [
    'hawser system boot',
    'hawser system boot --unit >/etc/systemd/system/hawser-boot.service && systemctl enable hawser-boot',
  ];
  static override readonly flags = {
    unit: Flags.boolean({ description: 'print a unit for systemd, and start nothing' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemBoot);
    if (flags.unit) {
      const executable = process.argv[1] ?? 'hawser';
      this.print(unitFor([process.execPath, executable, 'system', 'boot'], this.roots));
      return;
    }
    const [{ wantsBoot }, { readRecords }, { startContainer }] = await Promise.all([
      import('../../runtime/restart-policy.ts'),
      import('../../runtime/container-store.ts'),
      import('../../runtime/start-container.ts'),
    ]);
    const engine = await openContainers(this.roots);
    for (const record of readRecords(engine).filter(each => wantsBoot(engine, each))) {
      try {
        await startContainer(engine, record.id);
        this.print(record.name);
      } catch (error) {
        this.note(`${record.name}: ${messageOf(error)}`);
        process.exitCode = 1;
      }
    }
  }
}
