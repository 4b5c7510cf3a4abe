import { HawserError } from '../errors/hawser-error.ts';
import { hostPlatform } from '../image/platform.ts';
import type { OpenedContext } from './context/open-context.ts';
import type { Program } from './dockerfile/stages.ts';
import type { BuildOptions } from './environment.ts';
import type { BuildObserver } from './observer.ts';
import { globalVariables } from './plan/global-variables.ts';

const name = 'SOURCE_DATE_EPOCH';

/** With the time in seconds since 1970, where there is one. */
export type TimedOptions = Omit<BuildOptions, 'sourceDateEpoch'> & { readonly sourceDateEpoch?: number };

interface EpochSources {
  readonly program: Program;
  readonly context: OpenedContext;
  readonly observer: BuildObserver | undefined;
}

/**
 * The time that a build pretends to be at, in seconds since 1970: of `--build-arg SOURCE_DATE_EPOCH`, else of hawser's own
 * environment, which counts as such an argument, else the default of an ARG before the first FROM. `context` is that of
 * the commit, or of the download, that is built from; a folder of this machine has none.
 *
 * @returns the options with the time, and with the argument that stages see
 * @throws HawserError INVALID_ARGUMENT for what is no number
 */
export async function withSourceDateEpoch(
  options: BuildOptions,
  sources: EpochSources,
): Promise<TimedOptions> {
  const { sourceDateEpoch, ...rest } = options;
  const buildArgs: Record<string, string> = { ...options.buildArgs };
  if (sourceDateEpoch !== undefined) buildArgs[name] ??= String(sourceDateEpoch);
  const given = buildArgs[name] ?? defaultOf(options, { buildArgs, program: sources.program });
  const text = given === 'context' ? await contextTime(sources) : given;
  if (given === 'context') buildArgs[name] = text;
  if (text === '') return { ...rest, buildArgs };
  if (!/^\d{1,12}$/.test(text)) {
    throw new HawserError('INVALID_ARGUMENT', `${name} ${JSON.stringify(text)} is not a number of seconds`, {
      remedy: 'Give whole seconds since 1970, e.g. of git log -1 --format=%ct, or context.',
    });
  }
  return { ...rest, buildArgs, sourceDateEpoch: Number(text) };
}

function defaultOf(
  { platforms = [], target: stage }: BuildOptions,
  { buildArgs, program }: { readonly buildArgs: Readonly<Record<string, string>>; readonly program: Program },
): string {
  const [target = hostPlatform()] = platforms;
  return globalVariables(program, { buildArgs, target, build: hostPlatform(), stage }).get(name) ?? '';
}

async function contextTime({ context, observer }: EpochSources): Promise<string> {
  const time = await context.time?.();
  if (time !== undefined) return String(time);
  observer?.warning?.(`${name}=context is left out: what is built from has no time (see --timestamp git)`);
  return '';
}
