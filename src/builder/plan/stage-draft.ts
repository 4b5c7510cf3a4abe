import type { ContainerConfig, HistoryEntry, ImageConfig } from '../../image/config.ts';
import type { Platform } from '../../image/platform.ts';
import type { Vertex } from '../execute/operation.ts';

/** What containerd and runc fall back to as well. */
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A declared ARG, with its value where it has one. */
interface BuildArgument {
  readonly name: string;
  readonly value: string | undefined;
}

/** An image in the making: what the lines of a stage up to one of them have come to. Immutable. */
export interface StageDraft {
  readonly vertex: Vertex;
  readonly platform: Platform;
  readonly config: ContainerConfig;
  readonly author: string | undefined;
  /** Entries of lines that made a layer have no time yet: their layers know it. */
  readonly history: readonly HistoryEntry[];
  /** ENV and ARG: what expansion and RUN see. The later line wins. */
  readonly variables: ReadonlyMap<string, string>;
  readonly buildArguments: readonly BuildArgument[];
  /** CMD was set in this stage, so that ENTRYPOINT leaves it. */
  readonly commandSet: boolean;
  /** Layers that the base image has. */
  readonly baseLayers: number;
  /** Entries of `history` that the base image brought. */
  readonly baseHistory: number;
}

/** Changes the config, and drops the fields that came to be empty, as Go's `omitempty` does. */
export function withConfig(draft: StageDraft, change: ContainerConfig): StageDraft {
  const config = Object.fromEntries(
    Object.entries({ ...draft.config, ...change }).filter(([, value]) => !isEmpty(value)),
  );
  return { ...draft, config };
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

export function withHistory(
  draft: StageDraft,
  createdBy: string,
  options: { readonly layer: boolean },
): StageDraft {
  const entry: HistoryEntry = {
    created_by: createdBy,
    comment: 'buildkit.dockerfile.v0',
    ...(options.layer ? {} : { empty_layer: true }),
  };
  return { ...draft, history: [...draft.history, entry] };
}

export function withVariable(draft: StageDraft, name: string, value: string): StageDraft {
  return { ...draft, variables: new Map([...draft.variables, [name, value]]) };
}

/** Replaces the variable in place, or adds it at the end. */
export function setEnvironment(
  environment: readonly string[],
  name: string,
  value: string,
): readonly string[] {
  const entry = `${name}=${value}`;
  const index = environment.findIndex(line => line.startsWith(`${name}=`));
  return index < 0 ? [...environment, entry] : environment.with(index, entry);
}

export interface BaseOfStage {
  readonly vertex: Vertex;
  readonly platform: Platform;
  /** Undefined for `scratch`. */
  readonly image?: ImageConfig;
}

/** A stage before its first line: the base image's config, without what only that image is concerned by. */
export function beginStage(base: BaseOfStage): StageDraft {
  const { image, vertex } = base;
  const inherited: ContainerConfig = image === undefined ? { WorkingDir: '/' } : (image.config ?? {});
  const environment = inherited.Env ?? [];
  const hasPath = environment.some(line => line.startsWith('PATH='));
  const config: ContainerConfig = {
    ...inherited,
    Env: hasPath ? environment : [...environment, defaultPath],
  };
  const platform =
    image === undefined
      ? base.platform
      : {
          os: image.os,
          architecture: image.architecture,
          ...(image.variant === undefined ? {} : { variant: image.variant }),
        };
  return {
    vertex,
    platform,
    config,
    author: image?.author,
    history: image?.history ?? [],
    variables: new Map((config.Env ?? []).map(splitEntry)),
    buildArguments: [],
    commandSet: false,
    baseLayers: image?.rootfs.diff_ids.length ?? 0,
    baseHistory: image?.history?.length ?? 0,
  };
}

/** A stage on top of another one: it sees that one's ARGs too, and its CMD counts as inherited. */
export function continueStage(draft: StageDraft): StageDraft {
  return { ...draft, commandSet: false };
}

function splitEntry(entry: string): [string, string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}
