import { formatPlatform, type Platform } from '../../image/platform.ts';
import { expandWord } from '../dockerfile/expand.ts';
import { locationIn } from '../dockerfile/source.ts';
import type { Program } from '../dockerfile/stages.ts';

export interface GlobalVariablesOptions {
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Where the image will run. */
  readonly target: Platform;
  /** Where it is built. */
  readonly build: Platform;
  /** `--target` */
  readonly stage: string | undefined;
}

function platformVariables(prefix: 'BUILD' | 'TARGET', platform: Platform): [string, string][] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform['os.version'] ?? ''],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
}

/**
 * What FROM lines see, and what a bare `ARG name` in a stage takes: the ARGs before the first FROM and the platforms.
 * Each ARG sees those before it, also of its own line.
 */
export function globalVariables(
  program: Program,
  options: GlobalVariablesOptions,
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>([
    ...platformVariables('BUILD', options.build),
    ...platformVariables('TARGET', options.target),
    ['TARGETSTAGE', options.stage ?? 'default'],
  ]);
  for (const name of variables.keys()) overrideWith(name);
  const { escape } = program.dockerfile;
  for (const instruction of program.globals) {
    for (const { name, value } of instruction.args) {
      if (overrideWith(name.text) || value === undefined) continue;
      const location = () => locationIn(instruction.node.line, value);
      variables.set(name.text, expandWord(value.text, variables, { escape, location }).text);
    }
  }
  return variables;

  function overrideWith(name: string): boolean {
    const given = Object.hasOwn(options.buildArgs, name) ? options.buildArgs[name] : undefined;
    if (given !== undefined) variables.set(name, given);
    return given !== undefined;
  }
}
