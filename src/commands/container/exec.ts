import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { openContainers } from '../../cli/open-containers.ts';
import { endFlagsAtFirstWord } from '../../cli/pass-through.ts';
import { HawserError } from '../../errors/hawser-error.ts';

const execFlags = {
  detach: Flags.boolean({ char: 'd', description: 'do not wait for it' }),
  interactive: Flags.boolean({ char: 'i', description: 'with stdin' }),
  tty: Flags.boolean({ char: 't', description: 'with a terminal' }),
  env: Flags.string({
    char: 'e',
    multiple: true,
    multipleNonGreedy: true,
    description: 'a variable',
    helpValue: 'NAME=VALUE',
  }),
  user: Flags.string({ char: 'u', description: 'user inside', helpValue: 'NAME|UID[:GROUP|GID]' }),
  workdir: Flags.string({ char: 'w', description: 'working folder inside' }),
  privileged: Flags.boolean({ description: 'with every capability that hawser has' }),
};

export default class ContainerExec extends BaseCommand {
  static override readonly summary = 'Run a program in a running container';
  static override readonly aliases = ['exec'];
  static override readonly usage = 'container exec [FLAGS] CONTAINER COMMAND [ARG...]';
  static override readonly strict = false;
  static override readonly flags = execFlags;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ContainerExec, endFlagsAtFirstWord(this.argv, execFlags));
    const [name, ...words] = argv.map(String);
    if (name === undefined || words.length === 0) {
      throw new HawserError('INVALID_ARGUMENT', 'a container and a command must be named', {
        remedy: 'See --help.',
      });
    }
    const [{ execInContainer }, { findContainer }] = await Promise.all([
      import('../../runtime/exec-container.ts'),
      import('../../runtime/container-state.ts'),
    ]);
    const engine = await openContainers(this.roots);
    const env = (flags.env ?? []).map(entry =>
      entry.includes('=') ? entry : `${entry}=${process.env[entry] ?? ''}`,
    );
    const streams = {
      onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void process[stream].write(chunk),
    };
    const inherit = flags.tty || flags.interactive;
    const { exitCode } = await execInContainer(engine, findContainer(engine, name).record.id, {
      args: words,
      env,
      ...(flags.user === undefined ? {} : { user: flags.user }),
      ...(flags.workdir === undefined ? {} : { workingDir: flags.workdir }),
      tty: flags.tty,
      privileged: flags.privileged,
      io: flags.detach ? 'detached' : inherit ? 'inherit' : streams,
    });
    process.exitCode = exitCode;
  }
}
