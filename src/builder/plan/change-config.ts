import type { ContainerConfig } from '../../image/config.ts';
import { hostPlatform } from '../../image/platform.ts';
import { dockerfileError } from '../dockerfile/errors.ts';
import { parseDockerfile } from '../dockerfile/parse.ts';
import { locationIn } from '../dockerfile/source.ts';
import { parseProgram } from '../dockerfile/stages.ts';
import { plainHasher } from '../execute/context.ts';
import { applyLine, isStep } from './apply-line.ts';
import { type BuildSettings, LineContext } from './line-context.ts';
import { beginStage, type StageDraft } from './stage-draft.ts';

/** Lines that change no file get by without a context and without running anything. */
const settings: BuildSettings = {
  escape: '\\',
  buildArgs: {},
  globals: new Map(),
  context: { tree: { root: '/', owners: 'root' }, hasher: plainHasher, name: 'nothing' },
  loadRemotes: () => Promise.reject(new Error('a change of the config fetches nothing')),
  surroundings: {
    loadRunStep: () => Promise.reject(new Error('a change of the config runs nothing')),
    run: '/',
    isolation: 'auto',
    mounts: { cacheRoot: '/', run: '/', secrets: [], agents: [], copies: new Map() },
  },
  network: 'none',
  extraHosts: [],
  limits: {},
  epoch: undefined,
  noCache: false,
  allow: new Set(),
};

/**
 * Applies Dockerfile lines to a config, as `docker import --change` and `docker commit --change` do: all that make no
 * layer. WORKDIR is the exception, which here sets the folder and makes none.
 *
 * @throws HawserError DOCKERFILE_INVALID, whose line counts the changes from 1
 */
export function changeConfig(config: ContainerConfig, lines: readonly string[]): ContainerConfig {
  const text = ['FROM scratch', ...lines].join('\n');
  const [stage] = parseProgram(parseDockerfile(text, { file: '--change' })).stages;
  const platform = hostPlatform();
  const vertex = { id: 'change', name: 'change', inputs: [] };
  const image = { ...platform, config, rootfs: { type: 'layers' as const, diff_ids: [] } };
  let draft: StageDraft = beginStage({ vertex, platform, image });
  for (const instruction of stage?.instructions ?? []) {
    if (isStep(instruction) && instruction.kind !== 'workdir') {
      const { line, keyword } = instruction.node;
      throw dockerfileError(`${keyword.text.toUpperCase()} cannot be a change`, locationIn(line, keyword));
    }
    const nextStep = () => ({ id: 'change', prefix: '' });
    const sourceOf = () => ({ vertex, name: 'nothing' });
    draft = applyLine(instruction, draft, new LineContext(settings, { instruction, nextStep, sourceOf }));
  }
  return draft.config;
}
