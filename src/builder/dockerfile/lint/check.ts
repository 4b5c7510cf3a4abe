import { type HawserError, isHawserError } from '../../../errors/hawser-error.ts';
import type { ImageConfig } from '../../../image/config.ts';
import { formatPlatform, hostPlatform, type Platform } from '../../../image/platform.ts';
import { globalVariables } from '../../plan/global-variables.ts';
import type { Dockerfile } from '../ast.ts';
import type { IgnoreMatcher } from '../ignore.ts';
import { neededStages } from '../needed-stages.ts';
import { parseDockerfile } from '../parse.ts';
import type { Program, Stage } from '../stages.ts';
import { findTarget, parseProgram } from '../stages.ts';
import { requireBuiltInFrontend } from '../syntax.ts';
import { buildChecks } from './build-checks.ts';
import type { CheckConfig } from './check-config.ts';
import { checkConfigOf, defaultCheckConfig } from './check-config.ts';
import { checkCasing } from './checks/casing.ts';
import { checkFromLines } from './checks/from-lines.ts';
import { checkContinuations, checkNode } from './checks/keywords.ts';
import { LineChecker } from './checks/lines.ts';
import { checkStageNames } from './checks/stage-names.ts';
import type { Finding } from './finding.ts';
import { Linter } from './linter.ts';
import { StageFacts } from './stage-facts.ts';

export interface CheckOptions {
  /** As the user knows the Dockerfile. */
  readonly file: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** `--target` */
  readonly target?: string | undefined;
  /** The stages whose lines are checked: those that the target needs, or all. Default: all where there is no target. */
  readonly stages?: 'needed' | 'all';
  readonly platform?: Platform;
  /** The config of a base image by the name that FROM comes to; undefined where it is not known. */
  readonly baseConfig?: (image: string, platform: Platform, stage: Stage) => ImageConfig | undefined;
  readonly ignore?: { readonly file: string; readonly matcher: IgnoreMatcher } | undefined;
}

export interface CheckResult {
  readonly findings: readonly Finding[];
  /** What stops a build, and stopped the checks. */
  readonly error?: HawserError;
  readonly config: CheckConfig;
  readonly program?: Program;
  readonly facts?: StageFacts;
}

/** Runs the checks over the text of a Dockerfile. It throws for nothing that the file says. */
export function checkDockerfile(text: string, options: CheckOptions): CheckResult {
  const run = new CheckRun(options);
  const error = errorOf(() => run.checkText(text));
  const { program, facts } = run;
  return {
    ...run.result,
    ...(error === undefined ? {} : { error }),
    ...(program === undefined ? {} : { program }),
    ...(facts === undefined ? {} : { facts }),
  };
}

/**
 * The same for a file that is parsed already.
 *
 * @throws HawserError DOCKERFILE_INVALID, PLATFORM_INVALID
 */
export function checkProgram(program: Program, options: CheckOptions): CheckResult {
  const run = new CheckRun(options);
  run.begin(program.dockerfile);
  for (const node of program.dockerfile.nodes) checkNode(node, run.linter);
  run.checkProgram(program);
  return run.result;
}

/** What is wrong with the file; anything else goes on its way. */
function errorOf(work: () => void): HawserError | undefined {
  try {
    work();
  } catch (error) {
    if (isHawserError(error) && error.code !== 'INTERNAL') return error;
    throw error;
  }
  return undefined;
}

class CheckRun {
  linter = new Linter(defaultCheckConfig);
  program: Program | undefined;
  facts: StageFacts | undefined;
  #config = defaultCheckConfig;
  readonly #options: CheckOptions;

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  get result(): Pick<CheckResult, 'findings' | 'config'> {
    return { findings: this.linter.findings, config: this.#config };
  }

  checkText(text: string): void {
    const { file, buildArgs = {} } = this.#options;
    requireBuiltInFrontend(text, { file, override: buildArgs.BUILDKIT_SYNTAX });
    const dockerfile = parseDockerfile(text, { file });
    this.begin(dockerfile);
    this.program = this.#interpret(dockerfile);
    this.checkProgram(this.program);
  }

  begin(dockerfile: Dockerfile): void {
    this.#config = checkConfigOf(dockerfile, this.#options.buildArgs?.BUILDKIT_DOCKERFILE_CHECK);
    this.linter = new Linter(this.#config);
    checkContinuations(dockerfile, this.linter);
  }

  checkProgram(program: Program): void {
    checkStageNames(program, this.linter);
    checkCasing(program, this.linter);
    this.#checkStages(program);
  }

  /** Tells what it can of the lines above an error. */
  #interpret(dockerfile: Dockerfile): Program {
    let last = Number.POSITIVE_INFINITY;
    try {
      return parseProgram(dockerfile);
    } catch (error) {
      if (isHawserError(error)) last = error.location?.line ?? last;
      throw error;
    } finally {
      for (const node of dockerfile.nodes) if (node.line.startLine <= last) checkNode(node, this.linter);
    }
  }

  #checkStages(program: Program): void {
    const { buildArgs = {}, target, platform = hostPlatform(), baseConfig, ignore } = this.#options;
    const variables = (given: Readonly<Record<string, string>>) =>
      globalVariables(program, { buildArgs: given, target: platform, build: hostPlatform(), stage: target });
    const globals = variables(buildArgs);
    checkFromLines(program, { globals, defaults: () => variables({}) }, this.linter);
    const facts = new StageFacts(program, { globals, platform });
    this.facts = facts;
    const all = (this.#options.stages ?? (target === undefined ? 'all' : 'needed')) === 'all';
    const needed = neededStages(program, findTarget(program, target), stage => facts.imageOf(stage));
    const stages = program.stages.filter(stage => all || needed.has(stage));
    const configOf = (stage: Stage) => baseConfig?.(facts.imageOf(stage), facts.platformOf(stage), stage);
    const checker = new LineChecker(
      program,
      {
        buildArgs,
        globals,
        imageOf: stage => facts.imageOf(stage),
        baseConfig: stage => {
          const config = configOf(stage);
          return config === undefined ? undefined : (config.config ?? {});
        },
        whyHidden: path => whyHidden(path, ignore),
      },
      this.linter,
    );
    for (const stage of stages) {
      if (facts.isOnImage(stage)) this.#checkPlatform(stage, facts, configOf(stage));
      checker.check(stage);
    }
  }

  #checkPlatform({ from }: Stage, facts: StageFacts, config: ImageConfig | undefined): void {
    if (config === undefined) return;
    const expected = facts.platformOf({ from });
    if (config.os === expected.os && config.architecture === expected.architecture) return;
    const image = facts.imageOf({ from });
    this.linter.report(
      buildChecks.invalidBaseImagePlatform,
      { node: from.node, range: from.image },
      {
        message: `Base image ${image} was pulled with platform ${JSON.stringify(formatPlatform(config))}, expected ${JSON.stringify(formatPlatform(expected))} for current build`,
        hint: 'Use an image for that platform; or say that this one is meant:',
        mended: [`FROM --platform=${formatPlatform(config)} ${image}`],
      },
    );
  }
}

/** A folder that has something to copy left is not hidden. */
function whyHidden(path: string, ignore: CheckOptions['ignore']): string | undefined {
  const pattern = ignore?.matcher.explain(path);
  if (pattern === undefined || ignore?.matcher.couldIncludeBelow(path) === true) return undefined;
  return `${ignore?.file}:${pattern.line}: ${pattern.text}`;
}
