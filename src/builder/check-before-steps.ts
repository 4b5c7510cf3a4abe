import { ignoreOptionOf, refuseFindings, unconsumedArguments } from './check-build.ts';
import type { OpenedContext } from './context/open-context.ts';
import { checkProgram } from './dockerfile/lint/check.ts';
import { isCalled, type Program } from './dockerfile/stages.ts';
import type { BuildOptions } from './environment.ts';
import type { BuildObserver } from './observer.ts';
import type { Bases } from './resolve-bases.ts';

interface CheckedBuild {
  readonly program: Program;
  readonly options: BuildOptions;
  readonly context: OpenedContext;
  readonly bases: Bases;
  readonly observer: BuildObserver;
}

/**
 * The checks come after the plan, when the base images are known, and before the first step.
 *
 * @throws HawserError CHECK_FAILED where the Dockerfile wants findings to be errors
 */
export function checkBeforeSteps({ program, options, context, bases, observer }: CheckedBuild): void {
  const { buildArgs = {}, target, platforms: [platform] = [] } = options;
  const { findings, config } = checkProgram(program, {
    file: program.dockerfile.source.file,
    buildArgs,
    target,
    stages: 'needed',
    ...(platform === undefined ? {} : { platform }),
    baseConfig: (image, wanted) => bases.configOf(image, wanted),
    ignore: ignoreOptionOf(context.files.tree),
  });
  observer.checked?.(findings);
  const unconsumed = unconsumedArguments(program, buildArgs);
  if (unconsumed.length > 0) {
    observer.warning?.(`build arguments that no ARG asks for: ${unconsumed.join(', ')}`);
  }
  warnOfUnknownStages({ program, options, observer });
  if (config.error) refuseFindings(findings);
}

/** A typing error would show in nothing but cached steps; a list that serves several Dockerfiles may name others'. */
function warnOfUnknownStages(build: Pick<CheckedBuild, 'program' | 'options' | 'observer'>): void {
  for (const name of build.options.noCacheFilter ?? []) {
    if (!build.program.stages.some(stage => isCalled(stage, name)))
      build.observer.warning?.(`no stage is called ${JSON.stringify(name)}, as --no-cache-filter says`);
  }
}
