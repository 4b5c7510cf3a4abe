import type { SourceLocation } from '../../errors/hawser-error.ts';
import type { StepLimits } from '../../runtime/resource-limits.ts';
import type { EscapeToken } from '../dockerfile/ast.ts';
import { dockerfileError } from '../dockerfile/errors.ts';
import { expandText, expandWord } from '../dockerfile/expand.ts';
import type { Instruction } from '../dockerfile/instructions.ts';
import { locationIn, type Word } from '../dockerfile/source.ts';
import type { BuildContextFiles } from '../execute/context.ts';
import type { Operation, Vertex } from '../execute/operation.ts';
import type { RunSurroundings } from '../execute/run-operation.ts';
import type { RemoteSources } from '../remote/remote-sources.ts';
import { type StageDraft, withHistory } from './stage-draft.ts';

/** What all lines of a build share. */
export interface BuildSettings {
  readonly escape: EscapeToken;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The values of the ARGs before the first FROM, and the platform's. */
  readonly globals: ReadonlyMap<string, string>;
  readonly context: BuildContextFiles;
  /** What ADD fetches, loaded when a line fetches something. */
  readonly loadRemotes: () => Promise<RemoteSources>;
  readonly surroundings: RunSurroundings;
  readonly network: 'host' | 'none' | 'default';
  readonly extraHosts: readonly { readonly host: string; readonly address: string }[];
  /** Of RUN steps. */
  readonly limits: StepLimits;
  /** Seconds since 1970. */
  readonly epoch: number | undefined;
  readonly noCache: boolean;
  /** `--allow`: rights that RUN may ask for, e.g. `security.insecure`. */
  readonly allow: ReadonlySet<string>;
}

/** Whether `--from` of COPY or `from=` of a mount names a stage or an image: only COPY knows stages by number. */
export type SourceUse = 'copy' | 'mount';

/** What `--from` stands for: the files of a stage or an image, or a folder that `--build-context` names. */
export type SourceOfCopy = {
  /** For messages, e.g. `stage build`. */
  readonly name: string;
} & (
  | { readonly vertex: Vertex; readonly context?: undefined }
  | { readonly vertex?: undefined; readonly context: BuildContextFiles }
);

export interface StepName {
  /** Unique in a build. */
  readonly id: string;
  /** E.g. `[build 2/5] `. */
  readonly prefix: string;
}

/** One line of a stage while it is planned. */
export class LineContext {
  readonly settings: BuildSettings;
  readonly #instruction: Instruction;
  readonly #nextStep: () => StepName;
  readonly #sourceOf: (from: Word, use: SourceUse) => SourceOfCopy;

  constructor(
    settings: BuildSettings,
    line: {
      readonly instruction: Instruction;
      /** Called for a line that becomes a step, once. */
      readonly nextStep: () => StepName;
      readonly sourceOf: (from: Word, use: SourceUse) => SourceOfCopy;
    },
  ) {
    this.settings = settings;
    this.#instruction = line.instruction;
    this.#nextStep = line.nextStep;
    this.#sourceOf = line.sourceOf;
  }

  location(word?: Word): SourceLocation {
    return locationIn(this.#instruction.node.line, word);
  }

  /** The word with variables, quotes and escapes resolved. */
  expand(word: Word, draft: StageDraft): string {
    return this.#expansion(word, draft).text;
  }

  expandWords(word: Word, draft: StageDraft): readonly string[] {
    return this.#expansion(word, draft).words;
  }

  /** The body of a here-document. */
  expandBody(text: string, draft: StageDraft): string {
    return expandText(text, draft.variables, { location: () => this.location() }).text;
  }

  sourceOf(from: Word, use: SourceUse): SourceOfCopy {
    return this.#sourceOf(from, use);
  }

  /** The draft with a step more: an operation that makes a layer, and its line in the history. */
  step(
    draft: StageDraft,
    step: { readonly operation: Operation; readonly history: string; readonly inputs?: readonly Vertex[] },
  ): StageDraft {
    const { id, prefix } = this.#nextStep();
    const vertex: Vertex = {
      id,
      name: prefix + this.#instruction.text,
      location: this.location(),
      inputs: [draft.vertex, ...(step.inputs ?? [])],
      operation: step.operation,
      ignoreCache: this.settings.noCache,
    };
    return withHistory({ ...draft, vertex }, step.history, { layer: true });
  }

  fail(message: string, word?: Word, remedy?: string): never {
    throw dockerfileError(message, this.location(word), remedy);
  }

  #expansion(word: Word, draft: StageDraft) {
    return expandWord(word.text, draft.variables, {
      escape: this.settings.escape,
      location: () => this.location(word),
    });
  }
}
