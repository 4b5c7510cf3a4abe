import { HawserError } from '../errors/hawser-error.ts';
import { limitNames, type ResourceLimit, type StepLimits } from '../runtime/resource-limits.ts';
import { nearest } from '../util/nearest.ts';
import { FlagFields } from './flag-fields.ts';

function wrong(flag: string, text: string, remedy: string): HawserError {
  return new HawserError('INVALID_ARGUMENT', `--${flag} ${JSON.stringify(text)}`, { remedy });
}

/** `64m` → bytes, with Docker's suffixes b, k, m, g (powers of 1024). */
function parseBytes(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([bkmgt]?)i?b?$/i.exec(text);
  const power = ['b', 'k', 'm', 'g', 't'].indexOf((match?.[2] ?? '').toLowerCase() || 'b');
  const bytes = Math.floor(Number(match?.[1]) * 1024 ** power);
  if (!(bytes > 0)) throw wrong(flag, text, 'Use a size such as 64m, with b, k, m or g.');
  return bytes;
}

/** `NAME=SOFT[:HARD]`, -1 for no limit. */
function parseUlimit(text: string): ResourceLimit {
  const [, name = '', softText = '', hardText = softText] = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === '') throw wrong('ulimit', text, 'Use NAME=SOFT[:HARD], e.g. nofile=1024:2048.');
  if (!limitNames.includes(name)) {
    const near = nearest(name, limitNames);
    throw wrong(
      'ulimit',
      text,
      near === undefined ? `Use one of ${limitNames.join(', ')}.` : `Did you mean ${near}?`,
    );
  }
  const valueOf = (number: string) => (Number(number) < 0 ? undefined : Number(number));
  const [soft, hard] = [valueOf(softText), valueOf(hardText)];
  if (hard !== undefined && (soft === undefined || soft > hard))
    throw wrong('ulimit', text, 'The soft limit cannot be above the hard one.');
  return { name, soft, hard };
}

/** `memory=SIZE,cpus=NUMBER` */
function parseResources(texts: readonly string[]): Pick<StepLimits, 'memory' | 'cpus'> {
  let limits: Pick<StepLimits, 'memory' | 'cpus'> = {};
  for (const text of texts) {
    const fields = new FlagFields({
      name: '--resource',
      text,
      remedy: 'Use memory=SIZE, cpus=NUMBER or both.',
    });
    const [memory, cpusText] = [fields.take('memory'), fields.take('cpus')];
    fields.end();
    const cpus = cpusText === undefined ? undefined : Number(cpusText);
    if (cpus !== undefined && !(cpus >= 0.01 && cpus < 10_000))
      fields.fail('cpus is not a number from 0.01 on');
    limits = {
      ...limits,
      ...(memory === undefined ? {} : { memory: parseBytes('resource memory', memory) }),
      ...(cpus === undefined ? {} : { cpus }),
    };
  }
  return limits;
}

export interface LimitFlags {
  readonly 'shm-size': string | undefined;
  readonly ulimit: readonly string[] | undefined;
  readonly 'cgroup-parent': string | undefined;
  readonly resource: readonly string[] | undefined;
}

/**
 * `--shm-size`, `--ulimit`, `--cgroup-parent` and `--resource`.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function parseLimits(flags: LimitFlags): StepLimits {
  const { 'shm-size': shmSize, ulimit = [], 'cgroup-parent': cgroupParent, resource = [] } = flags;
  if (cgroupParent !== undefined && cgroupParent.split('/').includes('..'))
    throw wrong('cgroup-parent', cgroupParent, 'Use a path without "..".');
  return {
    ...(shmSize === undefined ? {} : { shmSize: parseBytes('shm-size', shmSize) }),
    ...(ulimit.length === 0 ? {} : { ulimits: ulimit.map(parseUlimit) }),
    ...(cgroupParent === undefined ? {} : { cgroupParent }),
    ...parseResources(resource),
  };
}
