import type { ContainerConfig } from '../../../../image/config.ts';
import type { Stage } from '../../stages.ts';
import type { Linter } from '../linter.ts';
import type { StageScope } from './stage-scope.ts';

/** What is known of a build when its lines are checked. */
export interface LinesOptions {
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly globals: ReadonlyMap<string, string>;
  /** The config of the image that FROM names, where it is known. */
  readonly baseConfig: (stage: Stage) => ContainerConfig | undefined;
  /** The line of .dockerignore that hides a path, as `file:line: pattern`. */
  readonly whyHidden: (path: string) => string | undefined;
  /** What the name behind FROM comes to. */
  readonly imageOf: (stage: Stage) => string;
}

/** What the check of one line works with. */
export interface LineWork extends LinesOptions {
  readonly scope: StageScope;
  readonly linter: Linter;
}
