import type { LintRule } from '../rule.ts';

/** What makes images smaller, safer and quicker to build. BuildKit knows none of these; its `skip=` takes their names. */
export const adviceRules = {
  copyBeforeInstall: advice(
    'CopyBeforeInstall',
    'Dependencies are installed below the line that copies all files, so every change of a file installs them again',
  ),
  mergeableRuns: advice('MergeableRuns', 'RUN lines that follow each other make a layer each'),
  packageCacheInLayer: advice(
    'PackageCacheInLayer',
    'What a package manager keeps for its next run stays in the layer of the RUN that leaves it',
  ),
  aptUpdateAlone: advice(
    'AptUpdateAlone',
    'Package lists that are cached apart from the install are old when the install changes',
  ),
  aptInstallWithoutUpdate: advice(
    'AptInstallWithoutUpdate',
    'An install without its own update depends on lists that some other layer has, or has not',
  ),
  aptAsks: advice('AptAsks', 'An install that asks for confirmation ends a build'),
  needlessContext: advice(
    'NeedlessContext',
    'Files that no image needs are copied into it, and change its cache key',
  ),
  smallerBase: advice('SmallerBase', 'The base image has a smaller variant'),
  compilerInImage: advice(
    'CompilerInImage',
    'Tools that are only needed to build stay in the image; a stage of their own leaves them behind',
  ),
  baseWithoutTag: advice('BaseWithoutTag', 'A base image without a tag is another one tomorrow'),
  addInsteadOfCopy: advice(
    'AddInsteadOfCopy',
    'ADD unpacks archives and fetches URLs; COPY says that neither is meant',
  ),
  runsAsRoot: advice('RunsAsRoot', 'A program that runs as root owns all that it can reach'),
  cdInRun: advice('CdInRun', 'The folder that cd goes to is forgotten at the end of the line; WORKDIR stays'),
  sudoInRun: advice('SudoInRun', 'RUN is root already, and most images have no sudo'),
  secretInLayer: advice(
    'SecretInLayer',
    'What is copied or written into a layer stays there, also when a later line removes it',
  ),
} as const satisfies Readonly<Record<string, LintRule>>;

function advice(name: string, description: string): LintRule {
  return { name, description, advice: true };
}
