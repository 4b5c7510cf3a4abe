import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { ImageConfig } from '../image/config.ts';
import { formatPlatform, hostPlatform, type Platform } from '../image/platform.ts';
import { givesContext } from './context/context-name.ts';
import { openContext } from './context/open-context.ts';
import type { CheckOptions } from './dockerfile/lint/check.ts';
import { checkDockerfile } from './dockerfile/lint/check.ts';
import type { Finding } from './dockerfile/lint/finding.ts';
import { dockerfileText } from './dockerfile/parse.ts';
import { locationIn } from './dockerfile/source.ts';
import type { Program, Stage } from './dockerfile/stages.ts';
import type { BuildOptions } from './environment.ts';
import { ignoreOf, type SourceTree } from './execute/copy/source-tree.ts';
import { located } from './located.ts';
import { remoteLoader } from './remote/load-remotes.ts';
import { ScratchFolders } from './scratch-folder.ts';

export type CheckRequest = Pick<
  BuildOptions,
  'context' | 'stdin' | 'file' | 'dockerfile' | 'contexts' | 'secrets' | 'buildArgs' | 'target' | 'platforms'
> & {
  /** `$HAWSER_ROOT/build-cache`, for a context that is fetched. */
  readonly cacheRoot?: string;
};

/** The config of an image, undefined where it is not to be had. */
export type LookUpConfig = (image: string, platform: Platform) => Promise<ImageConfig | undefined>;

/** A Dockerfile and what is known of the build that it is for. */
export interface LoadedDockerfile {
  readonly text: string;
  /** As the user knows it. */
  readonly file: string;
  /** Where it lies; undefined for one that comes from elsewhere. */
  readonly path: string | undefined;
  /** The context; gone already where it was fetched or unpacked. */
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
 * @throws HawserError as `openContext`
 */
export async function loadDockerfile(request: CheckRequest): Promise<LoadedDockerfile> {
  const { buildArgs = {}, target, secrets = [] } = request;
  const [platform = hostPlatform()] = request.platforms ?? [];
  const cacheRoot = request.cacheRoot ?? join(tmpdir(), 'hawser-check');
  const scratch = new ScratchFolders(join(cacheRoot, 'scratch'));
  try {
    // the memo is neither read nor written: nothing is hashed
    const loadRemotes = remoteLoader({ cacheRoot, scratch, secrets });
    const { dockerfile, files } = await openContext(request, { memos: '', scratch, loadRemotes });
    const { name, path, bytes } = dockerfile;
    const { tree } = files;
    const options: CheckOptions = { file: name, buildArgs, target, platform, ignore: ignoreOptionOf(tree) };
    return { text: dockerfileText(bytes), file: name, path, tree, options };
  } finally {
    await scratch.close();
  }
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
    // What --build-context gives is no image to be looked up.
    if (givesContext(request.contexts ?? {}, image)) continue;
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
