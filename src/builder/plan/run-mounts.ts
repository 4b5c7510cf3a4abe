import { posix } from 'node:path';
import { parseCsv } from '../dockerfile/csv.ts';
import type { RunInstruction } from '../dockerfile/instructions.ts';
import type { Mount, MountFlag } from '../dockerfile/mount.ts';
import { resolveMount } from '../dockerfile/resolve-mount.ts';
import type { Word } from '../dockerfile/source.ts';
import type { MountTree, StepMount } from '../execute/mounts/step-mounts.ts';
import type { Vertex } from '../execute/operation.ts';
import type { LineContext } from './line-context.ts';
import type { StageDraft } from './stage-draft.ts';

/** The mounts of a RUN, and the vertices that they show: the inputs of its step after the first. */
export interface PlannedMounts {
  readonly mounts: readonly StepMount[];
  readonly inputs: readonly Vertex[];
}

/** The stage or image that a `--mount` names; it holds no variables. */
export function mountSource({ word }: MountFlag): Word | undefined {
  const field = (parseCsv(word.text) ?? []).find(text => /^from=./i.test(text));
  return field === undefined ? undefined : { ...word, text: field.slice('from='.length) };
}

/** Resolves the `--mount` flags of a RUN with the values that variables have at its line. */
export function planMounts(instruction: RunInstruction, draft: StageDraft, line: LineContext): PlannedMounts {
  const planner = new MountPlanner(draft, line);
  const mounts = instruction.mounts.map(flag => planner.plan(flag));
  return { mounts, inputs: planner.inputs };
}

class MountPlanner {
  readonly inputs: Vertex[] = [];
  readonly #draft: StageDraft;
  readonly #line: LineContext;
  #agents = 0;

  constructor(draft: StageDraft, line: LineContext) {
    this.#draft = draft;
    this.#line = line;
  }

  plan(flag: MountFlag): StepMount {
    const mount = resolveMount(flag, {
      location: () => this.#line.location(flag.word),
      expand: value => this.#line.expand({ ...flag.word, text: value }, this.#draft),
    });
    const target = (path: string) => this.#target(path, flag);
    switch (mount.type) {
      case 'bind': {
        const { from, ...rest } = mount;
        return { ...rest, target: target(mount.target), tree: this.#tree(from, flag) };
      }
      case 'cache':
        return this.#cache(mount, flag);
      case 'tmpfs':
        return { ...mount, target: target(mount.target) };
      case 'secret': {
        const { target: file, ...rest } = mount;
        return { ...rest, ...(file === undefined ? {} : { target: target(file) }) };
      }
      case 'ssh': {
        const number = this.#agents++;
        return { ...mount, target: target(mount.target ?? `/run/buildkit/ssh_agent.${number}`) };
      }
    }
  }

  #cache(mount: Extract<Mount, { readonly type: 'cache' }>, flag: MountFlag): StepMount {
    const { from, id, ...rest } = mount;
    const namespace = this.#line.settings.buildArgs.BUILDKIT_CACHE_MOUNT_NS ?? '';
    return {
      ...rest,
      target: this.#target(mount.target, flag),
      id: `${namespace}/${id ?? posix.normalize(mount.target).replace(/(.)\/$/, '$1')}`,
      // Without a stage or an image it begins empty.
      ...(from === undefined ? {} : { tree: this.#tree(from, flag) }),
    };
  }

  #tree(from: string | undefined, flag: MountFlag): MountTree {
    const { context } = this.#line.settings;
    if (from === undefined) return { name: context.name, context };
    const { vertex, name, context: named } = this.#line.sourceOf({ ...flag.word, text: from }, 'mount');
    if (named !== undefined) return { name, context: named };
    this.inputs.push(vertex);
    return { name, input: this.inputs.length };
  }

  /** Relative to WORKDIR, which is meant where no target is given. */
  #target(path: string, flag: MountFlag): string {
    const absolute = posix.resolve('/', this.#draft.config.WorkingDir ?? '/', path);
    if (absolute !== '/') return absolute;
    return this.#line.fail('invalid mount target "/"', flag.word, 'Name a folder below /.');
  }
}
