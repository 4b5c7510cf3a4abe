import { HawserError } from '../errors/hawser-error.ts';
import { hostPlatform } from '../image/platform.ts';
import type { Program } from './dockerfile/stages.ts';
import type { BuildOptions } from './environment.ts';
import { globalVariables } from './plan/global-variables.ts';

const name = 'SOURCE_DATE_EPOCH';

/**
 * The time that a build pretends to be at, in seconds since 1970: of `--build-arg SOURCE_DATE_EPOCH`, else of hawser's own
 * environment, which counts as such an argument, else the default of an ARG before the first FROM.
 *
 * @returns the options with the time, and with the argument that stages see
 * @throws HawserError INVALID_ARGUMENT for what is no number
 */
export function withSourceDateEpoch(options: BuildOptions, program: Program): BuildOptions {
  const { sourceDateEpoch, target } = options;
  const buildArgs: Record<string, string> = { ...options.buildArgs };
  if (sourceDateEpoch !== undefined) buildArgs[name] ??= String(sourceDateEpoch);
  const [platform = hostPlatform()] = options.platforms ?? [];
  const globals = globalVariables(program, {
    buildArgs,
    target: platform,
    build: hostPlatform(),
    stage: target,
  });
  const text = buildArgs[name] ?? globals.get(name) ?? '';
  const { sourceDateEpoch: _, ...rest } = options;
  if (text === '') return { ...rest, buildArgs };
  if (!/^\d{1,12}$/.test(text)) {
    throw new HawserError('INVALID_ARGUMENT', `${name} ${JSON.stringify(text)} is not a number of seconds`, {
      remedy: 'Give whole seconds since 1970, e.g. of git log -1 --format=%ct.',
    });
  }
  return { ...rest, buildArgs, sourceDateEpoch: Number(text) };
}
