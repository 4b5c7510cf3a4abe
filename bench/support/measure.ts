import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../test/e2e/support/run.ts';

export interface Contender {
  readonly name: string;
  /** Brings back the state that a round starts from; not timed. */
  prepare?(round: number): Promise<void>;
  /** The command whose wall time counts. */
  command(round: number): readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function environmentOf(contender: Contender): NodeJS.ProcessEnv {
  const env = { ...(contender.env ?? process.env) };
  delete env.NODE_EXTRA_CA_CERTS;
  return env;
}

async function timeOnce(contender: Contender, round: number): Promise<number> {
  await contender.prepare?.(round);
  const env = environmentOf(contender);
  const start = performance.now();
  await run(contender.command(round), { env, check: true, timeout: 600_000 });
  return (performance.now() - start) / 1000;
}

/** The most memory that the command's process, or one that it started, has had at once: MiB. */
async function peakMemory(contender: Contender, round: number): Promise<number> {
  await contender.prepare?.(round);
  const folder = mkdtempSync(join(tmpdir(), 'hawser-peak-'));
  const note = join(folder, 'peak');
  try {
    const command = ['/usr/bin/time', '-f', '%M', '-o', note, ...contender.command(round)];
    await run(command, { env: environmentOf(contender), check: true, timeout: 600_000 });
    return Number(readFileSync(note, 'utf8')) / 1024;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Runs the contenders in turn (A B C A B C …) after one round that does not count, and prints medians and the ratio of
 * the first one, hawser, to each peer; and the memory that hawser took.
 */
export async function compare(title: string, contenders: readonly Contender[], rounds = 5): Promise<void> {
  const times = contenders.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const seconds = await timeOnce(contender, round);
      if (round > 0) times[index]?.push(seconds);
    }
  }
  const own = median(times[0] ?? []);
  const width = Math.max(...contenders.map(({ name }) => name.length));
  console.log(`\n${title} (${rounds} rounds, seconds)`);
  console.log(`  ${''.padEnd(width)}  median     min     max  hawser is`);
  for (const [index, { name }] of contenders.entries()) {
    const values = times[index] ?? [];
    const columns = [median(values), Math.min(...values), Math.max(...values)].map(value =>
      value.toFixed(3).padStart(6),
    );
    const ratio = index === 0 ? '' : `${(own / median(values)).toFixed(2)} ×`;
    console.log(`  ${name.padEnd(width)}  ${columns.join('  ')}  ${ratio}`.trimEnd());
  }
  const [hawser] = contenders;
  if (hawser === undefined) return;
  const peak = await peakMemory(hawser, rounds + 1);
  console.log(`  ${hawser.name.padEnd(width)}  peak memory ${peak.toFixed(0)} MiB`);
}
