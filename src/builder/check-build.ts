import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { ImageConfig } from '../image/config.ts';
import { formatPlatform, hostPlatform, type Platform } from '../image/platform.ts';
import type { CheckOptions } from './dockerfile/lint/check.ts';
import { checkDockerfile } from './dockerfile/lint/check.ts';
import type { Finding } from './dockerfile/lint/finding.ts';
import { dockerfileText } from './dockerfile/parse.ts';
import { locationIn } from './dockerfile/source.ts';
import type { Program, Stage } from './dockerfile/stages.ts';
import type { BuildOptions } from './environment.ts';
import { ignoreOf, type SourceTree } from './execute/copy/source-tree.ts';
import { loadContext, readDockerfile } from './load-context.ts';
import { located } from './located.ts';

export type CheckRequest = Pick<
  BuildOptions,
  'context' | 'file' | 'dockerfile' | 'buildArgs' | 'target' | 'platform'
>;

/** The config of an image, undefined where it is not to be had. */
export type LookUpConfig = (image: string, platform: Platform) => Promise<ImageConfig | undefined>;

/** A Dockerfile and what is known of the build that it is for. */
export interface LoadedDockerfile {
  readonly text: string;
  /** As the user knows it. */
  readonly file: string;
  /** Where it lies; undefined for one that comes from elsewhere. */
  readonly path: string | undefined;
  readonly tree: SourceTree;
  readonly options: CheckOptions;
}

export interface BuildCheck extends LoadedDockerfile {
  readonly findings: readonly Finding[];
  /** Why it cannot be built. */
  readonly error?: HawserError;
}

/**
 * Reads the Dockerfile and the .dockerignore of a build, and no other file.
 *
 * @throws HawserError DOCKERFILE_UNKNOWN, CONTEXT_INVALID, DOCKERFILE_INVALID for a wrong line of .dockerignore
 */
export async function loadDockerfile(request: CheckRequest): Promise<LoadedDockerfile> {
  const { context, buildArgs = {}, target, platform = hostPlatform() } = request;
  const { name, path, bytes } =
    request.dockerfile === undefined
      ? await readDockerfile(context, request.file)
      : { name: request.file ?? 'Dockerfile', path: undefined, bytes: request.dockerfile };
  // the memo is neither read nor written: nothing is hashed
  const { tree } = await loadContext(context, { dockerfile: path, memos: '' });
  const ignore = ignoreOptionOf(tree);
  const options: CheckOptions = { file: name, buildArgs, target, platform, ignore };
  return { text: dockerfileText(bytes), file: name, path, tree, options };
}

export function ignoreOptionOf(tree: SourceTree): CheckOptions['ignore'] {
  const matcher = ignoreOf(tree);
  return matcher === undefined || tree.ignore === undefined ? undefined : { file: tree.ignore.file, matcher };
}

/**
 * Checks a build without building: `--check`. A base image that cannot be had is an error of the file.
 *
 * @throws HawserError as `loadDockerfile`
 */
export async function checkBuild(request: CheckRequest, lookUp: LookUpConfig): Promise<BuildCheck> {
  const loaded = await loadDockerfile(request);
  const keyOf = (image: string, platform: Platform) => `${image} ${formatPlatform(platform)}`;
  const wanted = new Map<
    string,
    { readonly image: string; readonly platform: Platform; readonly stage: Stage }
  >();
  const first = checkDockerfile(loaded.text, {
    ...loaded.options,
    baseConfig: (image, platform, stage) => {
      wanted.set(keyOf(image, platform), { image, platform, stage });
      return undefined;
    },
  });
  const known = new Map<string, ImageConfig | undefined>();
  for (const [key, { image, platform, stage }] of wanted) {
    try {
      known.set(key, await lookUp(image, platform));
    } catch (error) {
      const { node, image: word } = stage.from;
      const failure = located(error, locationIn(node.line, word));
      if (!isHawserError(failure)) throw failure;
      return { ...loaded, findings: first.findings, error: first.error ?? failure };
    }
  }
  const { findings, error } = checkDockerfile(loaded.text, {
    ...loaded.options,
    baseConfig: (image, platform) => known.get(keyOf(image, platform)),
  });
  return { ...loaded, findings, ...(error === undefined ? {} : { error }) };
}

/**
 * What `# check=error=true` makes of findings.
 *
 * @throws HawserError CHECK_FAILED at the first of them
 */
export function refuseFindings(findings: readonly Finding[]): void {
  const [first] = findings;
  if (first === undefined) return;
  const rules = [...new Set(findings.map(({ rule }) => rule.name))];
  throw new HawserError('CHECK_FAILED', `lint violation found for rules: ${rules.join(', ')}`, {
    location: first.location,
  });
}

const builtInArguments =
  /^(?:(?:http|https|ftp|no|all)_proxy|BUILDKIT_.*|SOURCE_DATE_EPOCH|(?:BUILD|TARGET)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT)|TARGETSTAGE)$/i;

/** Build arguments that no ARG of the file asks for: most often a slip. */
export function unconsumedArguments(
  { globals, stages }: Program,
  buildArgs: Readonly<Record<string, string>>,
): readonly string[] {
  const lines = [...globals, ...stages.flatMap(({ instructions }) => instructions)];
  const asked = new Set(
    lines.flatMap(line => (line.kind === 'arg' ? line.args.map(({ name }) => name.text) : [])),
  );
  return Object.keys(buildArgs).filter(name => !asked.has(name) && !builtInArguments.test(name));
}
