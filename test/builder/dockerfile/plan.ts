import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../../src/builder/dockerfile/stages.ts';
import { type BuildContextFiles, plainHasher } from '../../../src/builder/execute/context.ts';
import { globalVariables } from '../../../src/builder/plan/global-variables.ts';
import { type BuildPlan, type PlanOptions, planBuild } from '../../../src/builder/plan/plan-build.ts';
import { HawserError } from '../../../src/errors/hawser-error.ts';
import type { ContainerConfig, ImageConfig } from '../../../src/image/config.ts';
import { type Platform, parsePlatform } from '../../../src/image/platform.ts';

export interface PlanRequest {
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** A folder of files; none by default. */
  readonly context?: string;
  /** The configs of base images by name; any other image has an empty one. */
  readonly images?: Readonly<Record<string, ContainerConfig>>;
  /** Images that nobody has. */
  readonly missing?: readonly string[];
}

const amd64 = parsePlatform('linux/amd64');

/** Plans a build with neither network nor store: what FROM names is taken as given. */
export function planOf(text: string, request: PlanRequest = {}): Promise<BuildPlan> {
  const program = parseProgram(parseDockerfile(text, { file: 'Dockerfile' }));
  const { buildArgs = {}, target } = request;
  const globals = globalVariables(program, { buildArgs, target: amd64, build: amd64, stage: target });
  const context: BuildContextFiles = {
    tree: { root: request.context ?? '/nowhere', owners: 'root' },
    hasher: plainHasher,
    name: 'the build context',
  };
  const settings: PlanOptions['settings'] = {
    escape: program.dockerfile.escape,
    buildArgs,
    globals,
    context,
    loadRemotes: () => Promise.reject(new Error('a plan fetches nothing')),
    surroundings: {
      loadRunStep: () => Promise.reject(new Error('a plan runs nothing')),
      run: '/nowhere',
      isolation: 'auto',
      mounts: { cacheRoot: '/', run: '/', secrets: [], agents: [], copies: new Map() },
    },
    network: 'default',
    extraHosts: [],
    limits: {},
    epoch: undefined,
    noCache: false,
    allow: new Set<string>(),
  };
  return planBuild({
    program,
    settings,
    target,
    platform: amd64,
    async resolveBase(name, platform, location) {
      if (request.missing?.includes(name) === true) {
        throw new HawserError('IMAGE_UNKNOWN', `no such image: ${name}`, { location });
      }
      return {
        vertex: { id: name, name: `FROM ${name}`, inputs: [] },
        config: imageConfig(platform, request.images?.[name] ?? {}),
      };
    },
  });
}

function imageConfig(platform: Platform, config: ContainerConfig): ImageConfig {
  return { ...platform, config, rootfs: { type: 'layers', diff_ids: [] } };
}
