import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatTable } from '../../cli/table.ts';

export default class SystemDoctor extends BaseCommand {
  static override readonly summary = 'Tell which parts of the machine are used and why, and what is missing';
  static override readonly description = 'Exits with 1 where a part is missing that a command needs.';
  static override readonly flags = {
    format: Flags.string({ options: ['text', 'json'], default: 'text', description: 'text or json' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemDoctor);
    const { examineMachine } = await import('../../cli/examine-machine.ts');
    const parts = await examineMachine(this.roots, process.env);
    if (flags.format === 'json') {
      this.print(JSON.stringify(parts, undefined, 2));
    } else {
      const rows = parts.map(({ part, state, choice, reason }) => [part, state, choice, reason]);
      for (const line of formatTable(['PART', 'STATE', 'CHOICE', 'WHY'], rows)) this.print(line);
      for (const { part, remedy } of parts) if (remedy !== undefined) this.print(`${part}: ${remedy}`);
    }
    if (parts.some(({ state }) => state === 'missing')) process.exitCode = 1;
  }
}
