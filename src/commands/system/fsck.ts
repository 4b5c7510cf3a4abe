import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { FoundProblem, SystemCheck } from '../../cli/check-system.ts';
import { humanSize } from '../../cli/human.ts';

export default class SystemFsck extends BaseCommand {
  static override readonly summary =
    'Verify all that is stored: blobs, names, snapshots, leases, cache, containers';
  static override readonly description =
    'Hashes every blob and follows every name to its layers. Exits with 1 where something is damaged and was not repaired; what killed commands left is told, and is no damage. Damaged blobs are set aside in images-state/quarantine.';
  static override readonly flags = {
    repair: Flags.boolean({ description: 'remove or set aside what is broken' }),
    format: Flags.string({ options: ['text', 'json'], default: 'text', description: 'text or json' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemFsck);
    const { checkSystem } = await import('../../cli/check-system.ts');
    const check = await checkSystem(this.roots, { repair: flags.repair, signal: this.signal });
    if (flags.format === 'json') this.print(JSON.stringify(check, undefined, 2));
    else for (const line of textOf(check, flags.repair)) this.print(line);
    if (!check.sound) process.exitCode = 1;
  }
}

function problemLines(problem: FoundProblem): readonly string[] {
  const { part, subject, severity, outcome, error, remedy } = problem;
  const suffix = { found: '', repaired: ' [repaired]', failed: ` [not repaired: ${error}]` }[outcome];
  const line = `${severity}: ${part} ${subject}: ${problem.problem}${suffix}`;
  return remedy === undefined ? [line] : [line, `  ${remedy}`];
}

function textOf({ checked, problems, sound }: SystemCheck, isRepairing: boolean): readonly string[] {
  const { blobs, size, names, snapshots, leases, buildCache, containers } = checked;
  const lines = problems.flatMap(problemLines);
  lines.push(
    `Checked ${blobs} blobs (${humanSize(size)}), ${names} names, ${snapshots} snapshots, ${leases} leases, ` +
      `${buildCache} build results, ${containers} containers.`,
  );
  const damaged = problems.filter(({ severity }) => severity === 'damage').length;
  if (problems.length === 0) lines.push('All is well.');
  else if (sound) lines.push(damaged === 0 ? 'No damage.' : 'Damage was repaired.');
  else if (isRepairing) lines.push('Not all could be repaired.');
  else lines.push(`${damaged} damaged: hawser system fsck --repair mends what can be mended.`);
  return lines;
}
