import { HawserError, isHawserError } from '../../../../errors/hawser-error.ts';
import { type Platform, parsePlatform } from '../../../../image/platform.ts';
import { parseReference } from '../../../../image/reference.ts';
import { nearest } from '../../../../util/nearest.ts';
import type { DockerfileNode } from '../../ast.ts';
import { dockerfileError } from '../../errors.ts';
import { expandWord } from '../../expand.ts';
import type { Expansion } from '../../expander.ts';
import type { Word } from '../../source.ts';
import { locationIn } from '../../source.ts';
import type { Program, Stage } from '../../stages.ts';
import { buildChecks } from '../build-checks.ts';
import { replaceIn, safeFix, shownFix } from '../edits.ts';
import type { Linter } from '../linter.ts';
import { renameVariable } from './rename-variable.ts';

export interface FromLinesOptions {
  /** What FROM lines see: the global ARGs and the platforms. */
  readonly globals: ReadonlyMap<string, string>;
  /** The same without build arguments; it may throw. */
  readonly defaults: () => ReadonlyMap<string, string>;
}

/** Image and platform of each FROM. Throws DOCKERFILE_INVALID where a word of them cannot be expanded. */
export function checkFromLines(program: Program, options: FromLinesOptions, linter: Linter): void {
  checkDefaults(program, options.defaults, linter);
  const declared = program.globals.flatMap(({ args }) => args.map(({ name }) => name.text));
  const names = [...options.globals.keys(), ...declared];
  const { escape } = program.dockerfile;
  for (const stage of program.stages) {
    const { node, image, platform } = stage.from;
    const expand = (word: Word): Expansion => {
      const expansion = expandWord(word.text, options.globals, {
        escape,
        location: () => locationIn(node.line, word),
      });
      checkDeclared({ node, word, expansion, names }, linter);
      return expansion;
    };
    if (expand(image).text === '') {
      throw dockerfileError(
        `base name (${image.text}) should not be blank`,
        locationIn(node.line, image),
        'Give the ARG a value, or a default.',
      );
    }
    if (platform === undefined) continue;
    const expansion = expand(platform);
    requirePlatform(stage, { platform, text: expansion.text });
    checkRedundantPlatform(stage, { platform, expansion, globals: options.globals }, linter);
    checkConstantPlatform(stage, { platform, expansion }, linter);
  }
}

function checkDeclared(
  use: {
    readonly node: DockerfileNode;
    readonly word: Word;
    readonly expansion: Expansion;
    readonly names: readonly string[];
  },
  linter: Linter,
): void {
  const { node, word, names } = use;
  for (const name of use.expansion.unset) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    const message = `FROM argument '${name}' is not declared${near === undefined ? '' : ` (did you mean ${near}?)`}`;
    const rename = near === undefined ? undefined : renameVariable(node, { word, name, to: near });
    linter.report(
      buildChecks.undefinedArgInFrom,
      { node, range: word },
      { message, ...(rename ?? { hint: 'Declare it above the first FROM:', mended: [`ARG ${name}`] }) },
    );
  }
}

/** Whether the images have names when nobody gives build arguments. */
function checkDefaults(program: Program, defaults: () => ReadonlyMap<string, string>, linter: Linter): void {
  const images = defaultImages(program, defaults);
  for (const [index, { from }] of program.stages.entries()) {
    const name = images?.[index];
    if (name === undefined || isReference(name)) continue;
    linter.report(
      buildChecks.invalidDefaultArgInFrom,
      { node: from.node, range: from.image },
      {
        message: `Default value for ARG ${from.image.text} results in empty or invalid base image name`,
        hint: 'Give the ARG a default, or the variable:',
        mended: [
          `FROM ${from.image.text.replace(/\$\{?(\w+)\}?/g, (_, name: string) => `\${${name}:-DEFAULT}`)}`,
        ],
      },
    );
  }
}

/** Undefined where the file cannot be read without build arguments: then it is meant to need them. */
function defaultImages(
  program: Program,
  defaults: () => ReadonlyMap<string, string>,
): readonly string[] | undefined {
  try {
    const variables = defaults();
    const { escape } = program.dockerfile;
    return program.stages.map(({ from }) => expandWord(from.image.text, variables, { escape }).text);
  } catch (error) {
    if (isHawserError(error, 'DOCKERFILE_INVALID')) return undefined;
    throw error;
  }
}

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    // what is wrong with it does not matter here
    return false;
  }
}

function requirePlatform(
  { from }: Stage,
  { platform, text }: { readonly platform: Word; readonly text: string },
): void {
  if (text !== '' && platformOf(text) !== undefined) return;
  const message =
    text === ''
      ? `empty platform value from expression ${platform.text}`
      : `failed to parse platform ${platform.text}: ${JSON.stringify(text)}`;
  throw new HawserError('PLATFORM_INVALID', message, { location: locationIn(from.node.line, platform) });
}

interface PlatformUse {
  readonly platform: Word;
  readonly expansion: Expansion;
}

function checkRedundantPlatform(
  { from }: Stage,
  { platform, expansion, globals }: PlatformUse & { readonly globals: ReadonlyMap<string, string> },
  linter: Linter,
): void {
  const { used, unset, text } = expansion;
  if (used.size !== 1 || unset.size > 0 || !used.has('TARGETPLATFORM')) return;
  if (text !== globals.get('TARGETPLATFORM')) return;
  linter.report(
    buildChecks.redundantTargetPlatform,
    { node: from.node, range: platform },
    {
      message: `Setting platform to predefined ${platform.text} in FROM is redundant as this is the default behavior`,
      ...safeFix(withoutPlatform(from.node)),
    },
  );
}

function checkConstantPlatform(stage: Stage, { platform, expansion }: PlatformUse, linter: Linter): void {
  if (expansion.used.size > 0 || expansion.unset.size > 0) return;
  const constant = platformOf(expansion.text);
  if (constant === undefined) return;
  const { name = '' } = stage;
  // a stage that is named for its platform is meant so
  if (name.includes(constant.os) || name.includes(constant.architecture)) return;
  linter.report(
    buildChecks.fromPlatformFlagConstDisallowed,
    { node: stage.from.node, range: platform },
    {
      message: `FROM --platform flag should not use constant value ${JSON.stringify(expansion.text)}`,
      hint: 'Use --platform when building, or $BUILDPLATFORM; or name the stage for its platform.',
      ...shownFix(withoutPlatform(stage.from.node)),
    },
  );
}

function platformOf(text: string): Platform | undefined {
  try {
    return parsePlatform(text);
  } catch {
    // an error of its own when it is built
    return undefined;
  }
}

function withoutPlatform(node: DockerfileNode) {
  const flag = node.flags.find(({ text }) => text.startsWith('--platform'));
  const start = flag?.start ?? node.restOffset;
  const next = node.flags.find(other => other.start > start)?.start ?? node.restOffset;
  return replaceIn(node, { start, end: next }, '');
}
