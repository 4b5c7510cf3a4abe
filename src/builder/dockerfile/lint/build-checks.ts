import type { LintRule } from './rule.ts';

/**
 * BuildKit's build checks, under its names and with its messages, so that tools which read them from BuildKit read them
 * from here. https://docs.docker.com/reference/build-checks/
 */
export const buildChecks = {
  stageNameCasing: check('StageNameCasing', 'Stage names should be lowercase'),
  fromAsCasing: check('FromAsCasing', "The 'as' keyword should match the case of the 'from' keyword"),
  noEmptyContinuation: check(
    'NoEmptyContinuation',
    'Empty continuation lines will become errors in a future release',
  ),
  consistentInstructionCasing: check(
    'ConsistentInstructionCasing',
    'All commands within the Dockerfile should use the same casing (either upper or lower)',
  ),
  duplicateStageName: check('DuplicateStageName', 'Stage names should be unique'),
  reservedStageName: check('ReservedStageName', 'Reserved words should not be used as stage names'),
  jsonArgsRecommended: check(
    'JSONArgsRecommended',
    'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
  ),
  maintainerDeprecated: check(
    'MaintainerDeprecated',
    'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
  ),
  undefinedArgInFrom: check('UndefinedArgInFrom', 'FROM command must use declared ARGs'),
  workdirRelativePath: check(
    'WorkdirRelativePath',
    'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
  ),
  undefinedVar: check('UndefinedVar', 'Variables should be defined before their use'),
  multipleInstructionsDisallowed: check(
    'MultipleInstructionsDisallowed',
    'Multiple instructions of the same type should not be used in the same stage',
  ),
  legacyKeyValueFormat: check(
    'LegacyKeyValueFormat',
    'Legacy key/value format with whitespace separator should not be used',
  ),
  // BuildKit has no page for this one
  invalidBaseImagePlatform: {
    name: 'InvalidBaseImagePlatform',
    description: 'Base image platform does not match expected target platform',
  },
  redundantTargetPlatform: check(
    'RedundantTargetPlatform',
    'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
  ),
  secretsUsedInArgOrEnv: check(
    'SecretsUsedInArgOrEnv',
    'Sensitive data should not be used in the ARG or ENV commands',
  ),
  invalidDefaultArgInFrom: check(
    'InvalidDefaultArgInFrom',
    'Default value for global ARG results in an empty or invalid base image name',
  ),
  fromPlatformFlagConstDisallowed: check(
    'FromPlatformFlagConstDisallowed',
    'FROM --platform flag should not use a constant value',
  ),
  copyIgnoredFile: check('CopyIgnoredFile', 'Attempting to Copy file that is excluded by .dockerignore'),
  invalidDefinitionDescription: {
    ...check(
      'InvalidDefinitionDescription',
      'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
    ),
    experimental: true,
  },
  exposeProtoCasing: check('ExposeProtoCasing', 'Protocol in EXPOSE instruction should be lowercase'),
  exposeInvalidFormat: check(
    'ExposeInvalidFormat',
    'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
  ),
} as const satisfies Readonly<Record<string, LintRule>>;

function check(name: string, description: string): LintRule {
  const page = name
    .replace('JSON', 'Json')
    .replace(/(?!^)[A-Z]/g, letter => `-${letter}`)
    .toLowerCase();
  return { name, description, url: `https://docs.docker.com/go/dockerfile/rule/${page}/` };
}
