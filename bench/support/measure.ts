import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunResult, run } from '../../test/e2e/support/run.ts';

export interface Contender {
  readonly name: string;
  /** Brings back the state that a round starts from; not timed. */
  prepare?(round: number): Promise<void>;
  /** The command whose wall time counts, or work of this process. */
  command(round: number): readonly string[] | (() => Promise<unknown>);
  readonly env?: NodeJS.ProcessEnv;
  /** What of it counts, in seconds, where that is not the whole time. */
  seconds?(result: RunResult): Promise<number> | number;
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
  const command = contender.command(round);
  if (typeof command === 'function') {
    await command();
    return (performance.now() - start) / 1000;
  }
  const result = await run(command, { env, check: true, timeout: 600_000 });
  const whole = (performance.now() - start) / 1000;
  return (await contender.seconds?.(result)) ?? whole;
}

/** The most memory that the command's process, or one that it started, has had at once: MiB. */
async function peakMemory(contender: Contender, round: number): Promise<number | undefined> {
  await contender.prepare?.(round);
  const words = contender.command(round);
  if (typeof words === 'function') return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'hawser-peak-'));
  const note = join(folder, 'peak');
  try {
    const command = ['/usr/bin/time', '-f', '%M', '-o', note, ...words];
    await run(command, { env: environmentOf(contender), check: true, timeout: 600_000 });
    return Number(readFileSync(note, 'utf8')) / 1024;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A row of ours says how it stands to each peer. */
function ratios(own: number, name: string, medians: ReadonlyMap<string, number>): string {
  if (!name.startsWith('hawser')) return '';
  const peers = [...medians].filter(([peer]) => !peer.startsWith('hawser'));
  return peers.map(([peer, value]) => `${(own / value).toFixed(2)} × ${peer}`).join(', ');
}

/**
 * Runs the contenders in turn (A B C A B C …) after one round that does not count, and prints medians and the ratios of
 * hawser, whatever it is called further, to each peer; and the memory that the first took.
 */
export async function compare(title: string, contenders: readonly Contender[], rounds = 5): Promise<void> {
  const times = contenders.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const seconds = await timeOnce(contender, round);
      if (round > 0) times[index]?.push(seconds);
    }
  }
  const medians = new Map(contenders.map(({ name }, index) => [name, median(times[index] ?? [])]));
  const width = Math.max(...contenders.map(({ name }) => name.length));
  console.log(`\n${title} (${rounds} rounds, seconds)`);
  console.log(`  ${''.padEnd(width)}  median     min     max  hawser is`);
  for (const [index, { name }] of contenders.entries()) {
    const values = times[index] ?? [];
    const own = medians.get(name) ?? Number.NaN;
    const columns = [own, Math.min(...values), Math.max(...values)].map(value =>
      value.toFixed(3).padStart(6),
    );
    console.log(`  ${name.padEnd(width)}  ${columns.join('  ')}  ${ratios(own, name, medians)}`.trimEnd());
  }
  const [hawser] = contenders;
  const peak = hawser === undefined ? undefined : await peakMemory(hawser, rounds + 1);
  if (peak !== undefined) console.log(`  ${hawser?.name.padEnd(width)}  peak memory ${peak.toFixed(0)} MiB`);
}
