import type { DockerfileNode, Heredoc, Pair } from './ast.ts';
import type { MountFlag } from './mount.ts';
import type { Word } from './source.ts';

/**
 * The Dockerfile instructions, typed. Words keep their variables, quotes and escapes: `expandWord` resolves them when the
 * values are known. https://docs.docker.com/reference/dockerfile/
 */
export type Instruction =
  | FromInstruction
  | RunInstruction
  | CmdInstruction
  | EntrypointInstruction
  | ShellInstruction
  | CopyInstruction
  | AddInstruction
  | EnvInstruction
  | LabelInstruction
  | ArgInstruction
  | ExposeInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | UserInstruction
  | WorkdirInstruction
  | VolumeInstruction
  | StopsignalInstruction
  | MaintainerInstruction;

/** What may stand in a stage, below its FROM. */
export type StageInstruction = Exclude<Instruction, FromInstruction>;

interface Common {
  /** Continuations joined, comments gone, trimmed: the text of history entries and cache keys. Without heredoc bodies. */
  readonly text: string;
  /** For locations: `locationIn(instruction.node.line, word)`. */
  readonly node: DockerfileNode;
}

export interface FromInstruction extends Common {
  readonly kind: 'from';
  /** An image, a stage or `scratch`. */
  readonly image: Word;
  /** In lower case. */
  readonly name?: string;
  readonly platform?: Word;
}

/** Words for exec, or one line for the shell in force. `shell: true` always has exactly one word, or none. */
export interface CommandLine {
  readonly shell: boolean;
  readonly words: readonly string[];
}

export interface RunInstruction extends Common {
  readonly kind: 'run';
  readonly command: CommandLine;
  readonly heredocs: readonly Heredoc[];
  readonly mounts: readonly MountFlag[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
  readonly devices: readonly Device[];
}

export interface Device {
  readonly name: string;
  readonly required: boolean;
}

export interface CmdInstruction extends Common {
  readonly kind: 'cmd';
  readonly command: CommandLine;
}

export interface EntrypointInstruction extends Common {
  readonly kind: 'entrypoint';
  readonly command: CommandLine;
}

export interface ShellInstruction extends Common {
  readonly kind: 'shell';
  readonly words: readonly string[];
}

export interface InlineFile {
  readonly name: string;
  /** Leading tabs are gone where `<<-` says so. */
  readonly content: string;
  /** Variables are resolved with `\` as escape and quotes left alone: `expandText`. */
  readonly expand: boolean;
}

interface Transfer extends Common {
  readonly sources: readonly Word[];
  /** Heredocs among the sources. */
  readonly files: readonly InlineFile[];
  readonly destination: Word;
  readonly chown?: Word;
  readonly chmod?: Word;
  readonly link: boolean;
  /** Never expanded. */
  readonly excludes: readonly Word[];
}

export interface CopyInstruction extends Transfer {
  readonly kind: 'copy';
  /** A stage, a stage number or an image; never expanded. */
  readonly from?: Word;
  readonly parents: boolean;
}

export interface AddInstruction extends Transfer {
  readonly kind: 'add';
  readonly checksum?: Word;
  readonly keepGitDir?: boolean;
  readonly unpack?: boolean;
}

export interface EnvInstruction extends Common {
  readonly kind: 'env';
  readonly pairs: readonly Pair[];
}

export interface LabelInstruction extends Common {
  readonly kind: 'label';
  readonly pairs: readonly Pair[];
}

export interface Argument {
  readonly name: Word;
  /** Undefined for `ARG name`, empty for `ARG name=`. */
  readonly value?: Word;
}

export interface ArgInstruction extends Common {
  readonly kind: 'arg';
  readonly args: readonly Argument[];
}

export interface ExposeInstruction extends Common {
  readonly kind: 'expose';
  /** Each is expanded, then split into words: `expandWords`. */
  readonly ports: readonly Word[];
}

/** Durations in nanoseconds, 0 for the default. */
export interface HealthOptions {
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

export interface HealthcheckInstruction extends Common {
  readonly kind: 'healthcheck';
  /** As the image config has it: `['NONE']`, `['CMD', …]` or `['CMD-SHELL', line]`. */
  readonly test: readonly string[];
  readonly options: HealthOptions;
}

export interface OnbuildInstruction extends Common {
  readonly kind: 'onbuild';
  /** As the image config stores it: the instruction with its heredocs. `parseTrigger` reads it back. */
  readonly trigger: string;
  readonly instruction: StageInstruction;
}

export interface UserInstruction extends Common {
  readonly kind: 'user';
  readonly user: Word;
}

export interface WorkdirInstruction extends Common {
  readonly kind: 'workdir';
  readonly path: Word;
}

export interface VolumeInstruction extends Common {
  readonly kind: 'volume';
  readonly paths: readonly Word[];
}

export interface StopsignalInstruction extends Common {
  readonly kind: 'stopsignal';
  readonly signal: Word;
}

export interface MaintainerInstruction extends Common {
  readonly kind: 'maintainer';
  readonly name: string;
}

/** All keywords, as users write them. */
export const keywords = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const;
