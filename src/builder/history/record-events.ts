/**
 * The file of one build, a JSON object a line, in the order in which things happened: a `RecordHead`, any number of
 * `RecordEvent`s, and the `end` that a build which was killed does not have. Lines are only ever added.
 */
export interface RecordHead {
  /** Of the format. */
  readonly version: 1;
  readonly id: string;
  /** Milliseconds since 1970; `at` of all events counts from here. */
  readonly started: number;
  /** The process that builds: one that runs no more has left a record without an end. */
  readonly pid: number;
  readonly processStart: string;
  readonly about: BuildAbout;
}

/** What people know a build by. */
export interface BuildAbout {
  /** As it was given, without a password. */
  readonly context: string;
  readonly file?: string;
  readonly target?: string;
  readonly tags: readonly string[];
}

export type BuildEnd = 'done' | 'failed' | 'cancelled';

interface StepEvent {
  /** Milliseconds since the build's start. */
  readonly at: number;
  /** The vertex. */
  readonly step: string;
}

export type RecordEvent =
  | { readonly event: 'plan'; readonly at: number; readonly steps: readonly PlannedStep[] }
  | (StepEvent & { readonly event: 'start' | 'cached'; readonly name: string })
  | (StepEvent & { readonly event: 'done' })
  | (StepEvent & { readonly event: 'failed'; readonly error: string })
  | OutputEvent
  | { readonly event: 'warning'; readonly at: number; readonly text: string }
  | {
      readonly event: 'end';
      readonly at: number;
      readonly end: BuildEnd;
      readonly image?: string;
      readonly error?: string;
    };

export interface PlannedStep {
  readonly id: string;
  readonly name: string;
  readonly inputs?: readonly string[];
}

export interface OutputEvent extends StepEvent {
  readonly event: 'output';
  readonly stream: 'stdout' | 'stderr';
  /** What was written where that is UTF-8, else `base64`. */
  readonly text?: string;
  readonly base64?: string;
}
